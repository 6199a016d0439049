import type { SessionData, Store } from 'express-session'

/** A session of live connections, and when to look into its store. */
export interface Watched {
  readonly id: string
  readonly store: Store
  /** Whose it was when that was asked last: by the newest connection, or after it was saved. */
  user: string | null
  /** When that was, by performance.now(), in whole milliseconds: a fraction would cost each session an object of its own. */
  asOf: number
  connections: number
  /** When it expires as far as is known, in milliseconds since 1970; Infinity where it does not. */
  deadline: number
  /** When to look into the store again, in milliseconds since 1970. */
  checkAt: number
  /**
   * The next look into the store: `in time` waits for `checkAt`; `at once` does not; `under way` is being read; `again` is, too, but what it will find may
   * be from before it was doubted, so it is read once more.
   */
  look: 'in time' | 'at once' | 'under way' | 'again'
}

/** How long a session that ended elsewhere without a word may go unnoticed, in milliseconds. */
export const RECHECK = 30_000

/** A `checkAt` that is too far off is from before the clock was set back. */
export function isDue({ look, checkAt }: Watched, now: number): boolean {
  return look === 'at once' || (look === 'in time' && (checkAt <= now || checkAt >= now + 2 * RECHECK))
}

/** The next look: at the deadline, at least twice a minute, and at growing distances where a session outlives its deadline. */
export function schedule(watched: Watched, { cookie }: Pick<SessionData, 'cookie'>): void {
  const now = Date.now()
  const expires = cookie.expires ? new Date(cookie.expires).getTime() : Number.POSITIVE_INFINITY
  if (expires > now) watched.deadline = expires
  const recheck = now + RECHECK * (0.75 + Math.random() / 4)
  watched.checkAt = Math.min(recheck, watched.deadline > now ? watched.deadline + 1 : now + Math.max(500, now - watched.deadline))
}
