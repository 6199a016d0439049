import type { Item, State } from '../protocol.js'
import { Outgoing } from './outgoing.js'

/**
 * The words for those who were read together. Whoever has the same state and the same news shares one frame, framed once; the news itself is
 * put into JSON once for all whom it reached.
 */
export class Wording {
  readonly #frames = new Map<string, Outgoing>()
  readonly #items = new Map<Item, string>()

  unread(state: State, latest: Item | undefined): Outgoing {
    const json = latest === undefined ? '' : `,"latest":${this.#json(latest)}`
    const counted = `"version":${state.version},"unread":${state.unread}${json}`
    const known = this.#frames.get(counted)
    if (known !== undefined) return known
    const frame = latest === undefined ? ({ type: 'unread', ...state } as const) : ({ type: 'unread', ...state, latest } as const)
    const outgoing = new Outgoing(frame, state.epoch, `{"type":"unread","epoch":"${state.epoch}",${counted}}`)
    this.#frames.set(counted, outgoing)
    return outgoing
  }

  #json(item: Item): string {
    const json = this.#items.get(item) ?? JSON.stringify(item)
    this.#items.set(item, json)
    return json
  }
}
