import type { Database, Statement } from 'better-sqlite3'
import { notificationOf, type RawNotification } from './rows.js'
import type { Reader, Sent } from './store.js'

interface RawSent extends RawNotification {
  readonly seq: number
  readonly status: Sent['status']
}

interface Delivery {
  readonly position: number
  readonly published_at: number
}

const SENT = `
  SELECT f.*,
    CASE
      WHEN f.reason IS NOT NULL THEN 'refused'
      WHEN f.recalled_at IS NOT NULL THEN 'recalled'
      WHEN EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = f.seq AND s.action = 'publish') THEN 'scheduled'
      WHEN f.expires_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = f.seq AND s.action = 'expire') THEN 'expired'
      ELSE 'published'
    END AS status
  FROM notification_facts f`

/** When this user read what was delivered at this position: the receipt says it, or the first watermark that covers it. */
export const READ_AT = (user: string, position: string) => `
  coalesce(
    (SELECT coalesce(r.read_at, r.archived_at, -1) FROM notification_receipts r WHERE r.user_id = ${user} AND r.position = ${position}),
    (SELECT w.at FROM notification_watermarks w WHERE w.user_id = ${user} AND w.position >= ${position} ORDER BY w.position LIMIT 1),
    -1)`

const EXCEPT = `NOT IN (SELECT value FROM json_each(@except))`

/** Each named user and when they read it, from the delivery that they got last; -1 for not yet. */
const NAMED = `
  SELECT user, CASE WHEN had.position IS NULL THEN -1 ELSE ${READ_AT('had.user', 'had.position')} END AS readAt FROM (
    SELECT who.user, (SELECT max(d.position) FROM notification_deliveries d WHERE d.notification = @seq AND d.audience = 'user:' || who.user) AS position
    FROM (SELECT user_id AS user FROM notification_recipients WHERE notification = @seq AND @user IS NULL UNION ALL SELECT @user WHERE @user IS NOT NULL) who
    WHERE who.user ${EXCEPT}) had`

/** Each who has read a broadcast: those with a watermark above it or a receipt for it, where their membership has it. */
const MANY = `
  SELECT had.user, ${READ_AT('had.user', '@position')} AS readAt FROM (
    SELECT u.user_id AS user FROM notification_users u
      WHERE u.watermark >= @position AND @audience = 'everyone' AND u.since <= @published_at
    UNION
    SELECT m.user_id FROM notification_memberships m JOIN notification_users u ON u.user_id = m.user_id
      WHERE m.audience = @audience AND u.watermark >= @position AND m.since <= @published_at
    UNION
    SELECT r.user_id FROM notification_receipts r
      WHERE r.position = @position AND (
        (@audience = 'everyone' AND coalesce((SELECT u.since FROM notification_users u WHERE u.user_id = r.user_id), 0) <= @published_at)
        OR EXISTS (SELECT 1 FROM notification_memberships m WHERE m.user_id = r.user_id AND m.audience = @audience AND m.since <= @published_at))) had
  WHERE had.user ${EXCEPT}`

/** What was sent, and who has read it. Reads only. */
export class Reports {
  readonly #page: Statement
  readonly #one: Statement
  readonly #recipients: Statement
  readonly #delivery: Statement
  readonly #readNamed: Statement
  readonly #readMany: Statement
  readonly #readersNamed: Statement
  readonly #readersMany: Statement

  constructor(db: Database) {
    const prepare = (sql: string) => db.prepare(sql).safeIntegers(false)
    this.#page = prepare(`${SENT} WHERE f.seq < ? ORDER BY f.seq DESC LIMIT ? + 0`)
    this.#one = prepare(`${SENT} WHERE f.id = ?`)
    this.#recipients = prepare(`SELECT user_id FROM notification_recipients WHERE notification = ?`).pluck()
    this.#delivery = prepare(`SELECT position, published_at FROM notification_deliveries WHERE notification = ? ORDER BY position DESC LIMIT 1`)
    this.#readNamed = prepare(`SELECT count(*) FROM (${NAMED}) WHERE readAt >= 0`).pluck()
    this.#readMany = prepare(`SELECT count(*) FROM (${MANY}) WHERE readAt >= 0`).pluck()
    this.#readersNamed = prepare(`SELECT user, nullif(readAt, -1) AS readAt FROM (${NAMED}) ORDER BY readAt DESC, user LIMIT @limit + 0`)
    this.#readersMany = prepare(`SELECT user, readAt FROM (${MANY}) WHERE readAt >= 0 ORDER BY readAt DESC, user LIMIT @limit + 0`)
  }

  sent(before: number | null, limit: number, except: readonly string[]): Sent[] {
    const hidden = JSON.stringify(except)
    return (this.#page.all(before ?? Number.MAX_SAFE_INTEGER, limit) as RawSent[]).map((raw) => this.#sent(raw, hidden))
  }

  report(id: string, except: readonly string[]): Sent | undefined {
    const raw = this.#one.get(id) as RawSent | undefined
    return raw && this.#sent(raw, JSON.stringify(except))
  }

  readers(id: string, limit: number, except: readonly string[]): Reader[] {
    const raw = this.#one.get(id) as RawSent | undefined
    if (raw === undefined) return []
    const hidden = JSON.stringify(except)
    const named = namedUser(raw)
    if (named !== undefined) return this.#readersNamed.all({ seq: raw.seq, user: named, except: hidden, limit }) as Reader[]
    const broadcast = this.#broadcast(raw)
    return broadcast === undefined ? [] : (this.#readersMany.all({ ...broadcast, except: hidden, limit }) as Reader[])
  }

  #sent(raw: RawSent, except: string): Sent {
    const users = raw.audience === 'users' ? (this.#recipients.all(raw.seq) as string[]) : []
    const named = namedUser(raw)
    const hidden = new Set(JSON.parse(except) as string[])
    return {
      sequence: raw.seq,
      notification: notificationOf(raw, users),
      status: raw.status,
      recipients: named === undefined ? null : (named === null ? users : [named]).filter((user) => !hidden.has(user)).length,
      read: named === undefined ? this.#readByMany(raw, except) : (this.#readNamed.get({ seq: raw.seq, user: named, except }) as number),
    }
  }

  #readByMany(raw: RawSent, except: string): number {
    const broadcast = this.#broadcast(raw)
    return broadcast === undefined ? 0 : (this.#readMany.get({ ...broadcast, except }) as number)
  }

  #broadcast({ seq, audience }: RawSent): (Delivery & { audience: unknown }) | undefined {
    const delivery = this.#delivery.get(seq) as Delivery | undefined
    return delivery && { ...delivery, audience }
  }
}

/** The one user, null for several (their names stand in a table of their own), undefined for a broadcast or nonsense. */
function namedUser({ audience }: RawSent): string | null | undefined {
  if (audience === 'users') return null
  return typeof audience === 'string' && audience.startsWith('user:') ? audience.slice('user:'.length) : undefined
}
