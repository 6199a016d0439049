import type { Database, Statement } from 'better-sqlite3'
import { preparing } from './statements.js'
import type { ReaderRow } from './store.js'

/** Something that was sent: to one user, to several (null: their names stand in a table of their own), or to a whole audience. */
export interface Source {
  readonly seq: number
  readonly audience: unknown
}

export interface Delivery {
  readonly position: number
  readonly published_at: number
}

/** Some of the readers, the newest first. */
export interface SomeReaders {
  readonly readers: readonly ReaderRow[]
  /** The user after whom the next portion begins; null at the end. */
  readonly next: string | null
}

/** How many users are looked at in one portion. */
const USERS = 5000

/** When this user read what was delivered at this position: the receipt says it, or the first watermark that covers it; -1 for not yet. */
export const READ_AT = (user: string, position: string) => `
  coalesce(
    (SELECT coalesce(r.read_at, r.archived_at, -1) FROM notification_receipts r WHERE r.user_id = ${user} AND r.position = ${position}),
    (SELECT w.at FROM notification_watermarks w WHERE w.user_id = ${user} AND w.position >= ${position} ORDER BY w.position LIMIT 1),
    -1)`

/** Mostly nobody is left out, and then nobody is looked for. */
export const COUNTED = (user: string) => `(@except = '[]' OR ${user} NOT IN (SELECT value FROM json_each(@except)))`

/** Each of these users and when they read it, from the delivery that they got last. */
export const NAMED = (users: string) => `
  SELECT had.user, CASE WHEN had.position IS NULL THEN -1 ELSE ${READ_AT('had.user', 'had.position')} END AS readAt FROM (
    SELECT who.user, (SELECT max(d.position) FROM notification_deliveries d WHERE d.notification = @seq AND d.audience = 'user:' || who.user) AS position
    FROM (${users}) who WHERE ${COUNTED('who.user')}) had`

/** All who are named. */
const ALL = `
  SELECT user_id AS user FROM notification_recipients WHERE notification = @seq AND @user IS NULL UNION ALL SELECT @user WHERE @user IS NOT NULL`

export const HAS_BROADCAST = (user: string) => `
  CASE WHEN @audience = 'everyone' THEN coalesce((SELECT known.since FROM notification_users known WHERE known.user_id = ${user}), 0) <= @published_at
    ELSE EXISTS (SELECT 1 FROM notification_memberships m WHERE m.user_id = ${user} AND m.audience = @audience AND m.since <= @published_at) END`

/** Those of a range of users who have read it. */
const READERS_OF_MANY = `
  SELECT had.user, had.readAt FROM (
    SELECT u.user_id AS user, ${READ_AT('u.user_id', '@position')} AS readAt FROM notification_users u
    WHERE u.user_id > @from AND u.user_id <= @to AND ${COUNTED('u.user_id')} AND ${HAS_BROADCAST('u.user_id')}) had
  WHERE had.readAt >= 0 ORDER BY had.readAt DESC, had.user LIMIT @limit`

/** Who has read what. Reads only. */
export class Readers {
  readonly #delivery: Statement
  readonly #named: Statement
  readonly #many: Statement
  readonly #end: Statement

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#delivery = deliveryOf(db)
    this.#named = prepare(`SELECT user, nullif(readAt, -1) AS readAt FROM (${NAMED(ALL)}) ORDER BY readAt DESC, user LIMIT @limit`)
    this.#many = prepare(READERS_OF_MANY)
    this.#end = prepare(`SELECT user_id FROM notification_users WHERE user_id > ? ORDER BY user_id LIMIT 1 OFFSET ${USERS}`).pluck()
  }

  /** Of those who are named, all at once; of an audience, those among the next some thousand users. */
  some(source: Source, from: string, limit: number, except: readonly string[]): SomeReaders {
    const user = namedUser(source)
    const hidden = JSON.stringify(except)
    if (user !== undefined) return { readers: this.#named.all({ seq: source.seq, user, except: hidden, limit }) as ReaderRow[], next: null }
    const delivery = this.#deliveryOf(source)
    if (delivery === undefined) return { readers: [], next: null }
    const to = (this.#end.get(from) as string | undefined) ?? null
    // What is greater than any text is a blob.
    const range = { from, to: to ?? Buffer.alloc(0) }
    return { readers: this.#many.all({ ...delivery, ...range, audience: source.audience, except: hidden, limit }) as ReaderRow[], next: to }
  }

  #deliveryOf({ seq }: Source): Delivery | undefined {
    return this.#delivery.get(seq) as Delivery | undefined
  }
}

/** Where it was delivered last, by the number of the notification. */
export function deliveryOf(db: Database): Statement {
  return preparing(db)('SELECT position, published_at FROM notification_deliveries WHERE notification = ? ORDER BY position DESC LIMIT 1')
}

/** The one user, null for several, undefined for a broadcast or nonsense. */
export function namedUser({ audience }: Source): string | null | undefined {
  if (audience === 'users') return null
  return typeof audience === 'string' && audience.startsWith('user:') ? audience.slice('user:'.length) : undefined
}
