import type { Database, Statement } from 'better-sqlite3'
import type { Access } from './access.js'
import { PORTION, type Portion, portions } from './portion.js'
import { READ_AT } from './readers.js'
import { FIRST, IN_PORTION, ROWS, Sequence } from './sequence.js'
import { preparing } from './statements.js'
import type { Cutoffs, Pruned } from './store.js'

interface Old {
  readonly position: number
  readonly audience: string
  readonly notification: number
  readonly published_at: number
  readonly named: number
  readonly readAt: number
}

interface Watermark {
  readonly user: string
  readonly position: number
}

/** Below all of them. */
const FIRST_WATERMARK: Watermark = { user: '', position: 0 }

/** What is old leaves first the inboxes and then the database, portion by portion, each in a write transaction of its own. */
export class Pruning {
  readonly #access: Access
  readonly #sequence: Sequence
  readonly #live: Statement
  readonly #end: Statement
  readonly #unname: Statement
  readonly #over: Statement
  readonly #forgetReceipts: Statement
  readonly #delete: Statement
  readonly #watermarks: Statement
  readonly #forgetWatermark: Statement

  constructor(db: Database, access: Access) {
    const prepare = preparing(db)
    this.#access = access
    this.#sequence = new Sequence(db)
    this.#live = prepare(LIVE)
    this.#end = prepare(`UPDATE notification_deliveries SET ended_at = 0 WHERE position = ?`)
    this.#unname = prepare(`DELETE FROM notification_recipients WHERE notification = ? AND user_id = ?`)
    this.#over = prepare(OVER).pluck().safeIntegers()
    this.#forgetReceipts = prepare(`
      DELETE FROM notification_receipts WHERE (user_id, position) IN (
        SELECT r.user_id, r.position FROM notification_deliveries d JOIN notification_receipts r ON r.position = d.position
        WHERE d.notification = ? LIMIT ${ROWS})`)
    this.#delete = prepare(`DELETE FROM notifications WHERE seq = ?`)
    this.#watermarks = prepare(WATERMARKS)
    this.#forgetWatermark = prepare(`DELETE FROM notification_watermarks WHERE user_id = ? AND position = ?`)
  }

  async prune(cutoffs: Cutoffs): Promise<Pruned> {
    const removed = await portions(0, (from) => this.#access.write(() => this.#takeOut(cutoffs, from)))
    const deleted = await portions(FIRST, (from) => this.#access.write(() => this.#clear(cutoffs, from)))
    if (deleted > 0) await portions(FIRST_WATERMARK, (from) => this.#access.write(() => this.#clearWatermarks(from)))
    return { removed, deleted }
  }

  #takeOut({ readBefore, unreadBefore }: Cutoffs, from: number): Portion<number> {
    const rows = this.#live.all(from) as Old[]
    const until = performance.now() + PORTION
    let count = 0
    for (const { position, audience, notification, named, readAt, published_at } of rows) {
      if (readAt >= 0 ? readAt > readBefore : published_at > unreadBefore) continue
      if (named === 1) this.#unname.run(notification, audience.slice('user:'.length))
      else this.#end.run(position)
      count++
      if (performance.now() > until) return { count, next: position }
    }
    const last = rows.at(-1)
    const newest = Math.max(readBefore, unreadBefore)
    return { count, next: rows.length < ROWS || last === undefined || last.published_at > newest ? null : last.position }
  }

  /** Deletes what was taken out of the last inbox as old, or ended otherwise long enough ago. */
  #clear({ readBefore, unreadBefore }: Cutoffs, from: bigint): Portion<bigint> {
    const bounds = { from, readBefore, newest: Math.max(readBefore, unreadBefore) }
    const until = performance.now() + PORTION
    let count = 0
    for (const seq of this.#over.all(bounds) as bigint[]) {
      // Millions may have read it: its receipts go in portions of their own.
      if (this.#forgetReceipts.run(seq).changes === ROWS) return { count, next: seq - 1n }
      this.#delete.run(seq)
      count++
      if (performance.now() > until) return { count, next: seq }
    }
    return { count, next: this.#sequence.after(from) }
  }

  /** Forgets when people marked all as read, where nothing is left that they marked. */
  #clearWatermarks(from: Watermark): Portion<Watermark> {
    const rows = this.#watermarks.all(from.user, from.position) as (Watermark & { readonly idle: number })[]
    const idle = rows.filter(({ idle }) => idle === 1)
    for (const { user, position } of idle) this.#forgetWatermark.run(user, position)
    return { count: idle.length, next: rows.length < ROWS ? null : (rows.at(-1) ?? null) }
  }
}

const OWNER = `substr(d.audience, 6)`

const LIVE = `
  SELECT d.position, d.audience, d.notification, d.published_at, n.audience = 'users' AS named,
    CASE WHEN substr(d.audience, 1, 5) = 'user:' THEN ${READ_AT(OWNER, 'd.position')} ELSE -1 END AS readAt
  FROM notification_deliveries d JOIN notifications n ON n.seq = d.notification
  WHERE d.position > ? AND d.ended_at IS NULL ORDER BY d.position LIMIT ${ROWS}`

/** Another process may have written it as text, as it may other times; of what is no time nobody can tell how old it is. */
const CREATED = `CASE typeof(created_at)
  WHEN 'text' THEN CAST(round((julianday(created_at) - 2440587.5) * 86400000) AS INTEGER) ELSE CAST(created_at AS INTEGER) END`

/** What was pruned has ended at 0. What was recalled or had expired before it came into any inbox has no delivery that says when. */
const OVER = `
  SELECT seq FROM notification_facts n WHERE ${IN_PORTION('seq')}
    AND NOT EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = n.seq AND s.action = 'publish')
    AND NOT EXISTS (
      SELECT 1 FROM notification_deliveries d WHERE d.notification = n.seq AND (d.ended_at IS NULL OR d.ended_at > max(0, @readBefore)))
    AND CASE
      WHEN state NOT IN ('recalled', 'expired') OR EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.notification = n.seq)
        THEN ${CREATED} <= @newest
      ELSE max(${CREATED}, CASE state WHEN 'recalled' THEN recalled_at ELSE expires_at END) <= @readBefore
    END
  ORDER BY seq`

/** A watermark says when those were read that stand above the one before. The newest of a user stays: it says up to where all is read. */
const WATERMARKS = `
  SELECT w.user_id AS user, w.position,
    w.position < (SELECT u.watermark FROM notification_users u WHERE u.user_id = w.user_id)
    AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.position <= w.position AND d.position > coalesce(
      (SELECT max(before.position) FROM notification_watermarks before WHERE before.user_id = w.user_id AND before.position < w.position), 0)) AS idle
  FROM notification_watermarks w WHERE (w.user_id, w.position) > (?, ?) ORDER BY w.user_id, w.position LIMIT ${ROWS}`
