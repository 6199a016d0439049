import type { Database, Statement } from 'better-sqlite3'
import { COUNTED, type Delivery, deliveryOf, HAS_BROADCAST, NAMED, namedUser, type Source } from './readers.js'
import { preparing } from './statements.js'

/** How far a walk has come: the row that was counted last. */
interface Key {
  readonly watermark: number
  readonly since: number
  readonly user: string | Buffer
}

/** Goes through the rows that say who has read something, some thousands at a time. */
interface Walk {
  /** The last row of the next portion; none where that is the last portion. */
  readonly end: Statement
  /** How many of the portion have read it; where a receipt contradicts a watermark that was counted, less than none. */
  readonly count: Statement
}

/** How far counting has come. */
export interface Progress {
  readonly walk: number
  readonly after: Key
}

export const BEGINNING: Progress = { walk: 0, after: { watermark: 0, since: -1, user: '' } }

/** What is greater than any text is a blob. */
const END: Key = { watermark: Number.MAX_SAFE_INTEGER, since: Number.MAX_SAFE_INTEGER, user: Buffer.alloc(0) }

const WITHIN = (user: string) => `${user} > @user AND ${user} <= @toUser`

/** How many have read what, without holding up the event loop for as many. Reads only. */
export class ReadCounts {
  readonly #delivery: Statement
  readonly #one: Statement
  readonly #named: readonly Walk[]
  readonly #everyone: readonly Walk[]
  readonly #topic: readonly Walk[]

  constructor(db: Database) {
    const prepare = preparing(db)
    const walk = (rows: number, end: string, count: string): Walk => ({
      end: prepare(`${end} LIMIT 1 OFFSET ${rows - 1}`),
      count: prepare(count).pluck(),
    })
    this.#delivery = deliveryOf(db)
    this.#one = prepare(`SELECT count(*) FROM (${NAMED('SELECT @named AS user')}) WHERE readAt >= 0`).pluck()
    this.#named = [walk(1000, RECIPIENTS, READ_BY_NAMED)]
    const receipts = walk(3000, RECEIPTS, READ_BY_RECEIPTS)
    this.#everyone = [walk(10_000, WATERMARKS, READ_BY_WATERMARKS), receipts]
    this.#topic = [walk(3000, MEMBERS, READ_BY_MEMBERS), receipts]
  }

  /** One portion. All of them are of one instant only where nobody reads meanwhile. */
  some(source: Source, except: readonly string[], { walk, after }: Progress): { readonly count: number; readonly next: Progress | null } {
    const named = namedUser(source)
    const asked = { seq: source.seq, audience: source.audience, named, except: JSON.stringify(except) }
    if (typeof named === 'string') return { count: this.#one.get(asked) as number, next: null }
    const delivery = named === null ? { position: 0 } : (this.#delivery.get(source.seq) as Delivery | undefined)
    const walks = named === null ? this.#named : source.audience === 'everyone' ? this.#everyone : this.#topic
    const current = walks[walk]
    if (delivery === undefined || current === undefined) return { count: 0, next: null }
    // Watermarks below it say nothing of it.
    const from = { ...asked, ...delivery, ...after, watermark: Math.max(after.watermark, delivery.position) }
    const to = current.end.get(from) as Key | undefined
    const { watermark: toWatermark, since: toSince, user: toUser } = to ?? END
    const count = current.count.get({ ...from, toWatermark, toSince, toUser }) as number
    return { count, next: to === undefined ? { walk: walk + 1, after: BEGINNING.after } : { walk, after: to } }
  }
}

const BY_USER = (rows: string) => `SELECT 0 AS watermark, 0 AS since, user_id AS user FROM ${rows} AND user_id > @user ORDER BY user_id`

const RECIPIENTS = BY_USER('notification_recipients WHERE notification = @seq')

const READ_BY_NAMED = `
  SELECT count(*) FROM (${NAMED(`SELECT user_id AS user FROM notification_recipients WHERE notification = @seq AND ${WITHIN('user_id')}`)}) WHERE readAt >= 0`

/** In this order: SQLite begins at the first bound that it finds, and the second is only there to say that the index has all of them. */
const ABOVE = '(watermark, since, user_id) > (@watermark, @since, @user) AND watermark > 0'

const WATERMARKS = `
  SELECT watermark, since, user_id AS user FROM notification_users INDEXED BY notification_users_read
  WHERE ${ABOVE} ORDER BY watermark, since, user_id`

const READ_BY_WATERMARKS = `
  SELECT count(*) FROM notification_users INDEXED BY notification_users_read
  WHERE ${ABOVE} AND (watermark, since, user_id) <= (@toWatermark, @toSince, @toUser) AND since <= @published_at AND ${COUNTED('user_id')}`

const MEMBERS = BY_USER('notification_memberships WHERE audience = @audience')

const READ_BY_MEMBERS = `
  SELECT count(*) FROM notification_memberships m CROSS JOIN notification_users u ON u.user_id = m.user_id
  WHERE m.audience = @audience AND ${WITHIN('m.user_id')} AND m.since <= @published_at AND u.watermark >= @position AND ${COUNTED('m.user_id')}`

const RECEIPTS = BY_USER('notification_receipts INDEXED BY notification_receipts_of WHERE position = @position')

/** What receipts say otherwise than watermarks. */
const READ_BY_RECEIPTS = `
  SELECT coalesce(sum((r.read_at IS NOT NULL OR r.archived_at IS NOT NULL) - (coalesce(u.watermark, 0) >= @position)), 0)
  FROM notification_receipts r INDEXED BY notification_receipts_of LEFT JOIN notification_users u ON u.user_id = r.user_id
  WHERE r.position = @position AND ${WITHIN('r.user_id')} AND ${COUNTED('r.user_id')} AND ${HAS_BROADCAST('r.user_id')}`
