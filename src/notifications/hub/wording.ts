import type { Item, State, UnreadFrame } from '../protocol.js'
import { Outgoing } from './outgoing.js'

/** How many frames are kept for whoever has the same to be told. */
const KEPT = 64

/**
 * The words for what many are told. Whoever has the same state and the same news shares one frame, framed once; the news itself is put into JSON
 * once for all whom it reached.
 */
export class Wording {
  readonly #frames = new Map<string, Outgoing>()
  #last: readonly [State, Item | undefined, Outgoing] | undefined
  #news: readonly [Item, string] | undefined

  unread(state: State, latest: Item | undefined): Outgoing {
    if (this.#last?.[0] !== state || this.#last[1] !== latest) this.#last = [state, latest, this.#frame(state, latest)]
    return this.#last[2]
  }

  #frame(state: State, latest: Item | undefined): Outgoing {
    const { epoch, version, unread } = state
    const json = latest === undefined ? '' : `,"latest":${this.#json(latest)}`
    const text = `{"type":"unread","epoch":"${epoch}","version":${version},"unread":${unread}${json}}`
    const known = this.#frames.get(text)
    if (known !== undefined) return known
    const frame: UnreadFrame = latest === undefined ? { type: 'unread', epoch, version, unread } : { type: 'unread', epoch, version, unread, latest }
    const outgoing = new Outgoing(frame, epoch, text)
    if (this.#frames.size === KEPT) this.#frames.clear()
    this.#frames.set(text, outgoing)
    return outgoing
  }

  #json(item: Item): string {
    if (this.#news?.[0] !== item) this.#news = [item, JSON.stringify(item)]
    return this.#news[1]
  }
}
