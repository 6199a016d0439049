import type { Item, State, UnreadFrame } from '../protocol.js'
import { asLatin1, textFrame } from './frames.js'
import { Outgoing } from './outgoing.js'

/** How many frames are kept for whoever has the same to be told. */
const KEPT = 64

/**
 * The words for what many are told. Whoever has the same state and the same news shares one frame, framed once; the news itself is put into JSON
 * once for all whom it reached.
 */
export class Wording {
  /** Compared by identity: the store gives all whom one notification reached the same object. */
  #news: Item | undefined
  #newsAsJson = ''
  #newsInLatin1 = ''
  /** What was said together with this news: each in a place that its version decides. A map that is cleared would keep much of it from the garbage collector. */
  readonly #frames: (Outgoing<UnreadFrame> | undefined)[] = Array(KEPT).fill(undefined)

  unread(state: State, latest: Item | undefined): Outgoing<UnreadFrame> {
    if (latest !== this.#news) this.#turnTo(latest)
    const place = state.version % KEPT
    const known = this.#frames[place]
    const same = known?.frame.version === state.version && known.frame.unread === state.unread && known.epoch === state.epoch
    if (same) return known
    const frame = this.#frame(state)
    this.#frames[place] = frame
    return frame
  }

  #turnTo(news: Item | undefined): void {
    this.#news = news
    this.#newsAsJson = news === undefined ? '' : `,"latest":${JSON.stringify(news)}`
    this.#newsInLatin1 = asLatin1(this.#newsAsJson)
    this.#frames.fill(undefined)
  }

  #frame({ epoch, version, unread }: State): Outgoing<UnreadFrame> {
    const latest = this.#news
    const frame: UnreadFrame = latest === undefined ? { type: 'unread', epoch, version, unread } : { type: 'unread', epoch, version, unread, latest }
    // Joined by hand of what is the same for many: to be what JSON.stringify(frame) gives.
    const head = `{"type":"unread","epoch":"${epoch}","version":${version},"unread":${unread}`
    return new Outgoing(frame, epoch, `${head}${this.#newsAsJson}}`, textFrame(`${head}${this.#newsInLatin1}}`))
  }
}
