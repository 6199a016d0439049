import { type Ending, nameOf } from '../ending.js'
import type { Connection } from './connection.js'

/** How long a connection that was being opened meanwhile can still turn up after its session ended, in milliseconds. */
export const REMEMBERED = 10_000

/** What ended lately, for those who were still on their way then. */
export class RecentEndings {
  /** Name → the moment, by performance.now(): connections whose requests came in by then end. In the order in which they were told. */
  readonly #until = new Map<string, number>()

  /** Returns the moment, by performance.now(): connections whose requests came in by then end. */
  add(ending: Ending): number {
    const now = performance.now()
    const name = nameOf(ending)
    const until = monotonic(ending.at, now)
    const known = this.#until.get(name) ?? until
    this.#until.delete(name)
    this.#until.set(name, Math.max(known, until))
    for (const [oldest, at] of this.#until) {
      if (now - at < REMEMBERED) break
      this.#until.delete(oldest)
    }
    return until
  }

  /** Whether the session of somebody has ended since then, by performance.now(); undefined where that was too long ago to be known. */
  since({ user, session }: Pick<Connection, 'user' | 'session'>, then: number): boolean | undefined {
    const ended = [nameOf({ user }), nameOf({ session })].some((name) => (this.#until.get(name) ?? Number.NEGATIVE_INFINITY) >= then)
    return !ended && performance.now() - then > REMEMBERED ? undefined : ended
  }
}

/** Rather too late than too early: both clocks of whole milliseconds have cut something off, and one may have been set back meanwhile. */
function monotonic(at: number, now: number): number {
  return now - Math.max(0, Date.now() - at - 1)
}
