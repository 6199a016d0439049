import type { Member } from './member.js'

/** Length of the shortest slot, in milliseconds; they are longer where there would be more than a hundred. */
const SLOT = 250
const MOST_SLOTS = 100

/**
 * One wheel for all heartbeats: whoever joins goes into the slot that was just served, so every slot comes round once a
 * heartbeat. Nobody has a timer of their own.
 */
export class Wheel {
  readonly #heartbeat: number
  readonly #slots: readonly Set<Member>[]
  readonly #length: number
  readonly #due: (member: Member) => void
  readonly #timer: NodeJS.Timeout
  readonly #start = performance.now()
  /** Slots served since the start. */
  #served = 0
  #trustedFrom = 0

  /** @param heartbeat in milliseconds */
  constructor(heartbeat: number, due: (member: Member) => void) {
    const count = Math.min(MOST_SLOTS, Math.max(4, Math.round(heartbeat / SLOT)))
    this.#heartbeat = heartbeat
    this.#slots = Array.from({ length: count }, () => new Set<Member>())
    this.#length = heartbeat / count
    this.#due = due
    this.#timer = setInterval(() => this.#turn(performance.now()), this.#length).unref()
  }

  add(member: Member): void {
    member.slot = this.#served % this.#slots.length
    this.#slots[member.slot]?.add(member)
  }

  delete(member: Member): void {
    this.#slots[member.slot]?.delete(member)
  }

  /**
   * Whether a peer that was last heard then must be gone. To be asked when its heartbeat is due: who answered the last one was heard a heartbeat ago,
   * and half of one more is allowed for being late. Nobody is judged for a round after this process itself stood still, as the answers may be
   * waiting unread.
   */
  isDead(heardAt: number, now: number): boolean {
    return now >= this.#trustedFrom && now - heardAt > 1.5 * this.#heartbeat
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #turn(now: number): void {
    const due = Math.floor((now - this.#start) / this.#length)
    const late = now - this.#start - (this.#served + 1) * this.#length
    if (late > this.#heartbeat / 2) this.#trustedFrom = now + 1.5 * this.#heartbeat
    const from = Math.max(this.#served, due - this.#slots.length)
    for (let turn = from + 1; turn <= due; turn++) {
      for (const member of this.#slots[turn % this.#slots.length] ?? []) this.#due(member)
    }
    this.#served = Math.max(this.#served, due)
  }
}
