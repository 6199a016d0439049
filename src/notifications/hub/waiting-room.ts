import type { Seat } from './member.js'

/** How often those who wait are looked at, in milliseconds. */
const EVERY = 100
/** How long a peer may take to read what it was sent, in milliseconds. */
const PATIENCE = 10_000

interface WaitingOptions {
  /** It takes what it is sent again; what it is owed is to be read anew. Whoever asked too soon may still have to come back. */
  readonly ready: (seat: Seat) => void
  /** It took too long. */
  readonly tooSlow: (seat: Seat) => void
}

/**
 * Connections that are owed a state but read too slowly to be sent it now, or asked too soon. Nothing is kept for them:
 * when they can be served they get the state of that moment, so a slow peer costs a place in a map.
 */
export class WaitingRoom {
  readonly #options: WaitingOptions
  readonly #seats = new Map<Seat, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  add(seat: Seat): void {
    if (!this.#seats.has(seat)) this.#seats.set(seat, performance.now())
    this.#timer ??= setInterval(() => this.#look(performance.now()), EVERY).unref()
  }

  delete(seat: Seat): void {
    this.#seats.delete(seat)
  }

  stop(): void {
    this.#seats.clear()
    clearInterval(this.#timer)
  }

  #look(now: number): void {
    for (const [seat, since] of this.#seats) {
      const drained = seat.connection.backlog === 0
      if (!drained && now - since < PATIENCE) continue
      this.#seats.delete(seat)
      if (drained) this.#options.ready(seat)
      else this.#options.tooSlow(seat)
    }
    if (this.#seats.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
