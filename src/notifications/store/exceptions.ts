import type { Database, Statement } from 'better-sqlite3'
import type { Live, LiveAudiences } from './live.js'
import type { Place, Stream } from './pages.js'
import { preparing } from './statements.js'
import { SAYS_READ, SAYS_UNREAD } from './unread.js'

/**
 * Where a user's receipts disagree with the floor, in one stream: the positions above it that were read, and, with a minus, those below it that
 * are unread. Plain numbers, as an object for each takes seven times the memory; and where there are many, only what they come to.
 */
export type Exceptions = readonly number[] | Balance

interface Balance {
  /** By how much they change the count, while nothing in the audience ends. */
  readonly unread: number
  /** None of them stands above it. */
  readonly last: number
  readonly generation: number
}

/** Positions that are kept of one user. */
const KEPT = 50
const NONE: readonly never[] = []

/** Reads them. */
export class ExceptionReader {
  readonly #some: Statement
  readonly #balance: Statement

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#some = prepare(`${READ_ABOVE('d.position')} UNION ALL ${UNREAD_BELOW('-d.position')} LIMIT ${KEPT + 1}`).pluck()
    this.#balance = prepare(`SELECT (${UNREAD_BELOW('count(*)')}) - (${READ_ABOVE('count(*)')})`).pluck()
  }

  /** One for each stream, none at all where there are none in any. To be called inside a read transaction. */
  read(user: string, { floor, streams }: Pick<Place, 'floor' | 'streams'>, audiences: LiveAudiences): readonly Exceptions[] {
    let room = KEPT
    const exceptions = streams.map(({ audience, since, start }) => {
      const bound = { user, audience, since, start, floor }
      const some = this.#some.all(bound) as number[]
      room -= some.length
      if (room >= 0) return some
      const { last, generation } = audiences.get(audience, Math.max(start, floor))
      return { unread: this.#balance.get(bound) as number, last, generation }
    })
    return room === KEPT ? NONE : exceptions
  }
}

/** Down to where a stream has to be known: all that is unread unless a receipt says otherwise stands above the floor. */
export function depthOf(exceptions: Exceptions, { start }: Stream, floor: number): number {
  let depth = Math.max(start, floor)
  if (!('generation' in exceptions)) for (const position of exceptions) depth = Math.min(depth, Math.abs(position) - 1)
  return depth
}

/** By how much they change the count; undefined where they have to be read again first. */
export function unreadBy(exceptions: Exceptions, live: Live): number | undefined {
  if ('generation' in exceptions) return exceptions.generation === live.generation ? exceptions.unread : undefined
  let unread = 0
  for (const position of exceptions) if (live.has(Math.abs(position))) unread += position < 0 ? 1 : -1
  return unread
}

/** Whether the user may have done something with what stands at a position above the floor. */
export function mayInclude(exceptions: Exceptions, position: number): boolean {
  return 'generation' in exceptions ? position <= exceptions.last : exceptions.includes(position)
}

const IN_STREAM = 'd.audience = @audience AND d.ended_at IS NULL AND d.published_at >= @since'

/** What has a receipt that says read although it stands above the floor. */
const READ_ABOVE = (what: string) => `
  SELECT ${what} FROM notification_deliveries d CROSS JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
  WHERE ${IN_STREAM} AND d.position > max(@start, @floor) AND ${SAYS_READ}`

/** What has one that says unread although it stands below. */
const UNREAD_BELOW = (what: string) => `
  SELECT ${what} FROM notification_receipts r CROSS JOIN notification_deliveries d ON d.position = r.position
  WHERE r.user_id = @user AND ${SAYS_UNREAD} AND r.position <= @floor AND r.position > @start AND ${IN_STREAM}`
