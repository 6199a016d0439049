import type { Database, Statement } from 'better-sqlite3'
import { READ_AT } from './readers.js'
import { contentOf, notificationOf, type RawContent, type RawNotification } from './rows.js'
import type { Cutoffs, ExportedNotification, UserExport } from './store.js'

/** How much is looked at in one portion: rows of the database, so that none of them holds the event loop for long. */
const ROWS = 500
/** And for how long something is changed in one, in milliseconds. */
const PORTION = 15

interface Portion {
  /** What the portion came to. */
  readonly count: number
  /** Where the next one begins; null at the end. */
  readonly next: number | null
}

interface Old {
  readonly position: number
  readonly audience: string
  readonly notification: number
  readonly published_at: number
  readonly named: number
  readonly readAt: number
}

interface RawKept extends RawContent {
  readonly audience: string
  readonly published_at: number
  readonly ended_at: number | null
  readonly archived_at: number | null
  readonly readAt: number
}

/** What is done about old notifications and about users who leave, portion by portion. */
export class Retention {
  readonly #live: Statement
  readonly #end: Statement
  readonly #unname: Statement
  readonly #over: Statement
  readonly #highest: Statement
  readonly #forgetReceipts: Statement
  readonly #delete: Statement
  readonly #kept: Statement
  readonly #sentBy: Statement
  readonly #person: Statement
  readonly #topics: Statement
  readonly #erase: readonly Statement[]
  readonly #eraseReceipts: Statement
  readonly #eraseTraces: readonly Statement[]

  constructor(db: Database) {
    const prepare = (sql: string) => db.prepare(sql).safeIntegers(false)
    const owner = `substr(d.audience, 6)`
    this.#live = prepare(`
      SELECT d.position, d.audience, d.notification, d.published_at, n.audience = 'users' AS named,
        CASE WHEN substr(d.audience, 1, 5) = 'user:' THEN ${READ_AT(owner, 'd.position')} ELSE -1 END AS readAt
      FROM notification_deliveries d JOIN notifications n ON n.seq = d.notification
      WHERE d.position > ? AND d.ended_at IS NULL ORDER BY d.position LIMIT ${ROWS}`)
    this.#end = prepare(`UPDATE notification_deliveries SET ended_at = 0 WHERE position = ?`)
    this.#unname = prepare(`DELETE FROM notification_recipients WHERE notification = ? AND user_id = ?`)
    this.#highest = prepare(`SELECT coalesce(max(seq), 0) FROM notifications`).pluck()
    this.#over = prepare(`
      SELECT seq FROM notifications n WHERE seq > @from AND seq <= @to AND typeof(created_at) = 'integer' AND created_at <= @before
        AND NOT EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = n.seq)
        AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.notification = n.seq AND (d.ended_at IS NULL OR d.ended_at > @before))
      ORDER BY seq`).pluck()
    this.#forgetReceipts = prepare(`
      DELETE FROM notification_receipts WHERE (user_id, position) IN (
        SELECT r.user_id, r.position FROM notification_deliveries d JOIN notification_receipts r ON r.position = d.position
        WHERE d.notification = ? LIMIT ${ROWS})`)
    this.#delete = prepare(`DELETE FROM notifications WHERE seq = ?`)
    this.#kept = prepare(`
      SELECT f.*, d.audience, d.published_at, d.ended_at, r.archived_at, ${READ_AT('@user', 'd.position')} AS readAt
      FROM notification_deliveries d JOIN notification_facts f ON f.seq = d.notification
      LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
      WHERE d.notification > @from AND d.notification <= @to AND (d.audience = 'user:' || @user OR r.position IS NOT NULL)
      ORDER BY d.position`)
    this.#sentBy = prepare(`SELECT * FROM notification_facts WHERE seq > @from AND seq <= @to AND sender = @user`)
    this.#person = prepare(`SELECT since FROM notification_users WHERE user_id = ?`).pluck()
    this.#topics = prepare(
      `SELECT substr(audience, 7) AS name, since FROM notification_memberships WHERE user_id = ? AND audience <> 'everyone' ORDER BY 1`,
    )
    const range = `> @from AND notification <= @to`
    this.#erase = [
      `DELETE FROM notifications WHERE seq > @from AND seq <= @to AND audience = 'user:' || @user`,
      `DELETE FROM notifications WHERE seq > @from AND seq <= @to AND audience = 'users'
        AND EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id = @user)
        AND NOT EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id <> @user)`,
      `DELETE FROM notification_recipients WHERE notification ${range} AND user_id = @user`,
      `DELETE FROM notification_deliveries WHERE notification ${range} AND audience = 'user:' || @user`,
      `UPDATE notifications SET sender = NULL, idempotency_key = NULL, content_hash = NULL WHERE seq > @from AND seq <= @to AND sender = @user`,
    ].map(prepare)
    this.#eraseReceipts = prepare(`
      DELETE FROM notification_receipts WHERE user_id = @user AND position IN (
        SELECT position FROM notification_receipts WHERE user_id = @user LIMIT ${ROWS})`)
    this.#eraseTraces = [
      `DELETE FROM notification_watermarks WHERE user_id = @user`,
      `DELETE FROM notification_memberships WHERE user_id = @user`,
      `DELETE FROM notification_users WHERE user_id = @user`,
      `UPDATE notification_changes SET audience = 'erased:' WHERE audience IN ('user:' || @user, 'signed-out:' || @user)`,
    ].map(prepare)
  }

  /** Takes what is old out of inboxes; to be called inside a write transaction, as all that changes something here. */
  takeOut({ readBefore, unreadBefore }: Cutoffs, from: number): Portion {
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

  /** Deletes what is in no inbox any more, and has not been since `before`. */
  clear(before: number, from: number): Portion {
    const to = from + ROWS
    const until = performance.now() + PORTION
    let count = 0
    for (const seq of this.#over.all({ from, to, before }) as number[]) {
      // Millions may have read it: its receipts go in portions of their own.
      if (this.#forgetReceipts.run(seq).changes === ROWS) return { count, next: seq - 1 }
      this.#delete.run(seq)
      count++
      if (performance.now() > until) return { count, next: seq }
    }
    return { count, next: this.#after(to) }
  }

  keptOf(
    user: string,
    from: number,
  ): { readonly notifications: ExportedNotification[]; readonly sent: UserExport['sent'][number][]; readonly next: number | null } {
    const bounds = { user, from, to: from + ROWS }
    const notifications = (this.#kept.all(bounds) as RawKept[]).map((raw) => exported(raw))
    const sent = (this.#sentBy.all(bounds) as RawNotification[]).map((raw) => {
      const { to: _, ...own } = notificationOf(raw, [])
      return own
    })
    return { notifications, sent, next: this.#after(bounds.to) }
  }

  memberships(user: string): Pick<UserExport, 'since' | 'topics'> {
    const topics = this.#topics.all(user) as { name: string; since: number }[]
    return {
      since: since(this.#person.get(user) as number | undefined),
      topics: topics.map((topic) => ({ name: topic.name, since: since(topic.since) })),
    }
  }

  /** Erases what is named for a user in one portion of what was sent. */
  erase(user: string, from: number): Portion {
    const bounds = { user, from, to: from + ROWS }
    const count = this.#erase.reduce((sum, statement) => sum + statement.run(bounds).changes, 0)
    return { count, next: this.#after(bounds.to) }
  }

  /** The rest: what was read, what is known of the user. False while there is more. */
  eraseTraces(user: string): boolean {
    if (this.#eraseReceipts.run({ user }).changes === ROWS) return false
    for (const statement of this.#eraseTraces) statement.run({ user })
    return true
  }

  #after(to: number): number | null {
    return to < (this.#highest.get() as number) ? to : null
  }
}

function exported(raw: RawKept): ExportedNotification {
  const iso = (ms: number | null) => (ms === null || ms < 0 ? null : new Date(ms).toISOString())
  const { id, title, body, url, level, category, data } = contentOf(raw)
  return {
    ...{ id, title, body, url, level, category, data },
    audience: raw.audience.startsWith('user:') ? 'user' : raw.audience,
    publishedAt: new Date(raw.published_at).toISOString(),
    readAt: iso(raw.readAt),
    archivedAt: iso(raw.archived_at),
    inInbox: raw.ended_at === null,
  }
}

/** 0 is always. */
function since(ms: number | undefined): string | null {
  return ms === undefined || ms === 0 ? null : new Date(ms).toISOString()
}
