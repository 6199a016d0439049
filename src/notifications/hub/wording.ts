import type { Item, State, UnreadFrame } from '../protocol.js'
import { Outgoing } from './outgoing.js'

/**
 * The words for those who were read together. Whoever has the same state and the same news shares one frame, framed once; the news itself is
 * put into JSON once for all whom it reached.
 */
export class Wording {
  readonly #frames = new Map<string, Outgoing>()
  readonly #items = new Map<Item, string>()
  #last: readonly [State, Item | undefined, Outgoing] | undefined

  unread(state: State, latest: Item | undefined): Outgoing {
    if (this.#last?.[0] !== state || this.#last[1] !== latest) this.#last = [state, latest, this.#frame(state, latest)]
    return this.#last[2]
  }

  #frame(state: State, latest: Item | undefined): Outgoing {
    const json = latest === undefined ? '' : `,"latest":${this.#json(latest)}`
    const counted = `"version":${state.version},"unread":${state.unread}${json}`
    const known = this.#frames.get(counted)
    if (known !== undefined) return known
    const { epoch, version, unread } = state
    const frame: UnreadFrame = latest === undefined ? { type: 'unread', epoch, version, unread } : { type: 'unread', epoch, version, unread, latest }
    const outgoing = new Outgoing(frame, epoch, `{"type":"unread","epoch":"${epoch}",${counted}}`)
    this.#frames.set(counted, outgoing)
    return outgoing
  }

  #json(item: Item): string {
    const json = this.#items.get(item) ?? JSON.stringify(item)
    this.#items.set(item, json)
    return json
  }
}
