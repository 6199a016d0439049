import type { Database, Statement } from 'better-sqlite3'
import type { Inbox } from './inbox.js'
import { ownStream, type Place } from './pages.js'
import { preparing } from './statements.js'

interface Entry {
  readonly position: number
  /** Whether it has a receipt. */
  readonly marked: 0 | 1
}

/** How many receipts there have to be above the floor, for looking to be worth it. */
const WORTH = 16
/** How many of each stream are looked at. */
const LOOKED_AT = 100
/** One that is unread and gets a receipt for it has to be outweighed by so many that are read. */
const WEIGHT = 3

/**
 * Raises the floor of an inbox above what was marked one by one. The few below that were not get a receipt that says unread. To be called inside a
 * write transaction.
 */
export class Settling {
  readonly #inbox: Inbox
  readonly #worth: Statement
  readonly #entries: Statement
  readonly #unread: Statement
  readonly #settle: Statement

  constructor(db: Database, inbox: Inbox) {
    const prepare = preparing(db)
    this.#inbox = inbox
    this.#worth = prepare(`SELECT 1 FROM notification_receipts WHERE user_id = ? AND position > ? LIMIT 1 OFFSET ${WORTH - 1}`)
    this.#entries = prepare(`
      SELECT d.position, r.user_id IS NOT NULL AS marked
      FROM notification_deliveries d LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
      WHERE d.audience = @audience AND d.ended_at IS NULL AND d.published_at >= @since AND d.position > @low ORDER BY d.position LIMIT ${LOOKED_AT}`)
    this.#unread = prepare(`INSERT INTO notification_receipts (user_id, position) VALUES (?, ?)`)
    this.#settle = prepare(`UPDATE notification_users SET settled = ? WHERE user_id = ?`)
  }

  settle(user: string): void {
    const place = this.#inbox.placeOf(user)
    if (this.#worth.get(user, place.floor) === undefined) return
    const entries = this.#above(user, place)
    const count = bestCut(entries)
    const last = entries[count - 1]
    if (last === undefined) return
    for (const { position, marked } of entries.slice(0, count)) if (marked === 0) this.#unread.run(user, position)
    this.#settle.run(last.position, user)
  }

  /** What stands above the floor, in its order and without gaps: where a stream goes on, it ends there. */
  #above(user: string, { floor, streams }: Place): Entry[] {
    let end = Number.MAX_SAFE_INTEGER
    const entries = [ownStream(user), ...streams].flatMap(({ audience, since, start }) => {
      const found = this.#entries.all({ user, audience, since, low: Math.max(start, floor) }) as Entry[]
      if (found.length === LOOKED_AT) end = Math.min(end, found.at(-1)?.position ?? end)
      return found
    })
    return entries.filter(({ position }) => position <= end).toSorted((a, b) => a.position - b.position)
  }
}

/** How many of them leave the most that are marked below the floor for the fewest that are not; 0 where it is not worth it. */
function bestCut(entries: readonly Entry[]): number {
  let balance = 0
  let best = WORTH / 2
  let count = 0
  entries.forEach(({ marked }, index) => {
    balance += marked === 1 ? 1 : -WEIGHT
    if (balance < best) return
    best = balance
    count = index + 1
  })
  return count
}
