import { z } from 'zod'
import { OptionError } from './errors.js'
import type { Logger } from './logger.js'
import type { Cutoffs, Pruned } from './store/store.js'

/** For how long notifications are kept, in days; what has no number is kept for good. */
export interface Retention {
  /** What was read (or archived) this long ago; what expired or was taken back, too. */
  readonly readAfterDays?: number | undefined
  /** What came this long ago and was not read. A broadcast is one row for all: this alone decides about it. */
  readonly unreadAfterDays?: number | undefined
}

const DAY = 86_400_000
/** Long after the start, so that restarts are not slowed down, and then from time to time, in milliseconds. */
const FIRST = 60_000
const EVERY = 6 * 3_600_000

const days = (name: string) =>
  z
    .number({ error: `${name} must be a number of days.` })
    .positive({ error: `${name} must be a positive number of days.` })
    .optional()

export const retention = z
  .strictObject(
    { readAfterDays: days('readAfterDays'), unreadAfterDays: days('unreadAfterDays') },
    { error: 'Retention is { readAfterDays, unreadAfterDays }, in days.' },
  )
  .refine(({ readAfterDays, unreadAfterDays }) => readAfterDays !== undefined || unreadAfterDays !== undefined, {
    error: 'Retention needs readAfterDays or unreadAfterDays, in days.',
  })

/** Throws OptionError for anything but positive numbers of days. */
export function cutoffsOf(input: Retention, now: number): Cutoffs {
  const result = retention.safeParse(input)
  if (!result.success) throw new OptionError(result.error.issues[0]?.message ?? 'Retention cannot be read.')
  const before = (age: number | undefined) => (age === undefined ? Number.NEGATIVE_INFINITY : now - age * DAY)
  return { readBefore: before(result.data.readAfterDays), unreadBefore: before(result.data.unreadAfterDays) }
}

interface PrunerOptions {
  readonly prune: () => Promise<Pruned>
  readonly logger: Logger
}

/** Prunes a minute after the start and every six hours; several processes on one database may do so at once. */
export class Pruner {
  readonly #options: PrunerOptions
  #timer: NodeJS.Timeout

  constructor(options: PrunerOptions) {
    this.#options = options
    this.#timer = this.#plan(FIRST)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #plan(delay: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = this.#plan(EVERY)
      void this.#run()
    }, delay).unref()
  }

  async #run(): Promise<void> {
    const { prune, logger } = this.#options
    try {
      const pruned = await prune()
      if (pruned.removed + pruned.deleted > 0) logger.info(pruned, 'old notifications were pruned')
    } catch (error) {
      logger.warn({ err: error }, 'old notifications could not be pruned')
    }
  }
}
