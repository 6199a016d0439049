import type { Database, Statement } from 'better-sqlite3'
import { PORTION } from './portion.js'
import { READ_AT } from './readers.js'
import { contentOf, notificationOf, type RawContent, type RawNotification } from './rows.js'
import { preparing } from './statements.js'
import type { Cutoffs, ExportedNotification, UserExport } from './store.js'

/** How much is looked at in one portion: rows of the database, so that none of them holds the event loop for long. */
const ROWS = 500
/** Whose turn it is in a portion of what was sent, by the number of the notification: another process may have chosen any. */
const IN_PORTION = (seq: string) => `${seq} > @from AND ${seq} <= @from + ${ROWS}`
/** Where portions of what was sent begin: below all of them. */
export const FIRST = -(2n ** 63n)

interface Portion<Place> {
  /** What the portion came to. */
  readonly count: number
  /** Where the next one begins; null at the end. */
  readonly next: Place | null
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
  readonly #next: Statement
  readonly #forgetReceipts: Statement
  readonly #delete: Statement
  readonly #kept: Statement
  readonly #sentBy: Statement
  readonly #person: Statement
  readonly #topics: Statement
  readonly #erase: readonly Statement[]
  readonly #stillThere: Statement
  readonly #eraseReceipts: Statement
  readonly #eraseTraces: readonly Statement[]

  constructor(db: Database) {
    const prepare = preparing(db)
    const owner = `substr(d.audience, 6)`
    this.#live = prepare(`
      SELECT d.position, d.audience, d.notification, d.published_at, n.audience = 'users' AS named,
        CASE WHEN substr(d.audience, 1, 5) = 'user:' THEN ${READ_AT(owner, 'd.position')} ELSE -1 END AS readAt
      FROM notification_deliveries d JOIN notifications n ON n.seq = d.notification
      WHERE d.position > ? AND d.ended_at IS NULL ORDER BY d.position LIMIT ${ROWS}`)
    this.#end = prepare(`UPDATE notification_deliveries SET ended_at = 0 WHERE position = ?`)
    this.#unname = prepare(`DELETE FROM notification_recipients WHERE notification = ? AND user_id = ?`)
    this.#next = prepare(NEXT).pluck().safeIntegers()
    this.#over = prepare(`
      SELECT seq FROM notifications n WHERE ${IN_PORTION('seq')} AND typeof(created_at) = 'integer' AND created_at <= @before
        AND NOT EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = n.seq)
        AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.notification = n.seq AND (d.ended_at IS NULL OR d.ended_at > @before))
      ORDER BY seq`)
      .pluck()
      .safeIntegers()
    this.#forgetReceipts = prepare(`
      DELETE FROM notification_receipts WHERE (user_id, position) IN (
        SELECT r.user_id, r.position FROM notification_deliveries d JOIN notification_receipts r ON r.position = d.position
        WHERE d.notification = ? LIMIT ${ROWS})`)
    this.#delete = prepare(`DELETE FROM notifications WHERE seq = ?`)
    this.#kept = prepare(`
      SELECT f.*, d.audience, d.published_at, d.ended_at, r.archived_at, ${READ_AT('@user', 'd.position')} AS readAt
      FROM notification_deliveries d JOIN notification_facts f ON f.seq = d.notification
      LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
      WHERE ${IN_PORTION('d.notification')} AND (d.audience = 'user:' || @user OR r.position IS NOT NULL)
      ORDER BY d.position`)
    this.#sentBy = prepare(`SELECT * FROM notification_facts WHERE ${IN_PORTION('seq')} AND sender = @user`)
    this.#person = prepare(`SELECT since FROM notification_users WHERE user_id = ?`).pluck()
    this.#topics = prepare(
      `SELECT substr(audience, 7) AS name, since FROM notification_memberships WHERE user_id = ? AND audience <> 'everyone' ORDER BY 1`,
    )
    this.#erase = [
      `DELETE FROM notifications WHERE ${IN_PORTION('seq')} AND audience = 'user:' || @user`,
      `DELETE FROM notifications WHERE ${IN_PORTION('seq')} AND audience = 'users'
        AND EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id = @user)
        AND NOT EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id <> @user)`,
      `DELETE FROM notification_recipients WHERE ${IN_PORTION('notification')} AND user_id = @user`,
      `DELETE FROM notification_deliveries WHERE ${IN_PORTION('notification')} AND audience = 'user:' || @user`,
      `UPDATE notifications SET sender = NULL, idempotency_key = NULL, content_hash = NULL WHERE ${IN_PORTION('seq')} AND sender = @user`,
    ].map(prepare)
    this.#stillThere = prepare(`SELECT notification FROM notification_deliveries WHERE audience = 'user:' || ? AND ended_at IS NULL LIMIT 1`)
      .pluck()
      .safeIntegers()
    this.#eraseReceipts = prepare(`
      DELETE FROM notification_receipts WHERE user_id = @user AND position IN (
        SELECT position FROM notification_receipts WHERE user_id = @user LIMIT ${ROWS})`)
    this.#eraseTraces = [
      `DELETE FROM notification_watermarks WHERE user_id = @user`,
      `DELETE FROM notification_memberships WHERE user_id = @user`,
      `DELETE FROM notification_users WHERE user_id = @user`,
      `UPDATE notification_changes SET audience = 'erased:' WHERE audience IN ('user:' || @user, 'signed-out:' || @user)`,
      // No trigger tells of the rows above, and nobody is to be told the name.
      `INSERT INTO notification_changes (audience) VALUES ('erased:')`,
    ].map(prepare)
  }

  /** Takes what is old out of inboxes; to be called inside a write transaction, as all that changes something here. */
  takeOut({ readBefore, unreadBefore }: Cutoffs, from: number): Portion<number> {
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
  clear(before: number, from: bigint): Portion<bigint> {
    const until = performance.now() + PORTION
    let count = 0
    for (const seq of this.#over.all({ from, before }) as bigint[]) {
      // Millions may have read it: its receipts go in portions of their own.
      if (this.#forgetReceipts.run(seq).changes === ROWS) return { count, next: seq - 1n }
      this.#delete.run(seq)
      count++
      if (performance.now() > until) return { count, next: seq }
    }
    return { count, next: this.#after(from) }
  }

  keptOf(
    user: string,
    from: bigint,
  ): { readonly notifications: ExportedNotification[]; readonly sent: UserExport['sent'][number][]; readonly next: bigint | null } {
    const bounds = { user, from }
    const notifications = (this.#kept.all(bounds) as RawKept[]).map((raw) => exported(raw))
    const sent = (this.#sentBy.all(bounds) as RawNotification[]).map((raw) => {
      const { to: _, ...own } = notificationOf(raw, [])
      return own
    })
    return { notifications, sent, next: this.#after(from) }
  }

  memberships(user: string): Pick<UserExport, 'since' | 'topics'> {
    const topics = this.#topics.all(user) as { name: string; since: number }[]
    return {
      since: since(this.#person.get(user) as number | undefined),
      topics: topics.map((topic) => ({ name: topic.name, since: since(topic.since) })),
    }
  }

  /** Erases what is named for a user in one portion of what was sent. */
  erase(user: string, from: bigint): Portion<bigint> {
    const count = this.#erase.reduce((sum, statement) => sum + statement.run({ user, from }).changes, 0)
    return { count, next: this.#after(from) }
  }

  /** The rest: what came meanwhile, what was read, what is known of the user. False while there is more. */
  eraseTraces(user: string): boolean {
    if (!this.#eraseLate(user) || this.#eraseReceipts.run({ user }).changes === ROWS) return false
    for (const statement of this.#eraseTraces) statement.run({ user })
    return true
  }

  /** What came after its portion had been erased, else it would outlive the counter that it was counted in. False while there is more. */
  #eraseLate(user: string): boolean {
    const until = performance.now() + PORTION
    for (let late = this.#late(user); late !== undefined; late = this.#late(user)) {
      this.erase(user, late - 1n)
      if (performance.now() > until) return false
    }
    return true
  }

  #late(user: string): bigint | undefined {
    return this.#stillThere.get(user) as bigint | undefined
  }

  /** Where the next portion of what was sent begins. */
  #after(from: bigint): bigint | null {
    return this.#next.get({ from }) as bigint | null
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

/** Deliveries and recipients may have outlived what they belong to. */
const NEXT = `
  SELECT min(seq) - 1 FROM (
    SELECT min(seq) AS seq FROM notifications WHERE seq > @from + ${ROWS}
    UNION ALL SELECT min(notification) FROM notification_deliveries WHERE notification > @from + ${ROWS}
    UNION ALL SELECT min(notification) FROM notification_recipients WHERE notification > @from + ${ROWS})`
