import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from './logger.js'

/** From the beginning of one round to that of the next, in milliseconds; while one goes on, no other begins. */
const EVERY = 60_000
/** How many are asked about before others get their turn: a host that answers from memory would hold the event loop for all of them. */
const SLICE = 32

interface RecheckOptions {
  /** Everybody who is connected. */
  readonly users: () => readonly string[]
  /** Reads somebody's topics again, in bounded time, and records a change, which the hub hears of as of any other. What fails is tried again in the next round. */
  readonly recheck: (user: string) => Promise<void>
  readonly logger: Logger
}

/** Asks the host about those who are connected, one after the other, since it may have changed their topics without saying so. */
export class Recheck {
  readonly #options: RecheckOptions
  readonly #timer: NodeJS.Timeout
  #running = false
  #closed = false

  constructor(options: RecheckOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#round(), EVERY).unref()
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  async #round(): Promise<void> {
    if (this.#running) return
    this.#running = true
    for (const [index, user] of this.#options.users().entries()) {
      if (this.#closed) break
      await this.#ask(user)
      if (index % SLICE === SLICE - 1) await nextTurn()
    }
    this.#running = false
  }

  async #ask(user: string): Promise<void> {
    const { recheck, logger } = this.#options
    try {
      await recheck(user)
    } catch (error) {
      logger.warn({ err: error }, 'the topics of a connected user could not be read again')
    }
  }
}
