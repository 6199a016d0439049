import type { Logger } from './logger.js'

/** Looks at least this often, so that plans of other processes and jumps of the clock are noticed soon. In milliseconds. */
const AT_LEAST_EVERY = 250

interface SchedulerOptions {
  /** Does what is due at `now`; answers when the next is, null when nothing is planned. */
  readonly tick: (now: number) => Promise<number | null>
  readonly logger: Logger
}

/** Calls `tick` when something is due. Restarts and clocks that are set do it no harm: what is due is due, however late. */
export class Scheduler {
  readonly #options: SchedulerOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #closed = false
  #failed = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  /** The first tick is at once: what came due while nobody ran is done before anything else. */
  start(): void {
    if (!this.#closed) this.#run()
  }

  /** Waits for a tick that is under way; there is none afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #run(): void {
    this.#running = this.#tick().then((delay) => {
      if (!this.#closed) this.#timer = setTimeout(() => this.#run(), delay).unref()
    })
  }

  async #tick(): Promise<number> {
    try {
      const next = await this.#options.tick(Date.now())
      this.#failed = false
      return next === null ? AT_LEAST_EVERY : Math.min(AT_LEAST_EVERY, Math.max(0, next - Date.now()))
    } catch (error) {
      if (!this.#failed && !this.#closed) this.#options.logger.error({ err: error }, 'what is due could not be published or expired; trying again')
      this.#failed = true
      return AT_LEAST_EVERY
    }
  }
}
