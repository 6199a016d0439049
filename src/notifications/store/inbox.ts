import type { Database, Statement } from 'better-sqlite3'
import { Instant } from './instant.js'
import { ownStream, type PagePart, Pages, type Place, ROW, type Stream } from './pages.js'
import { AS_IF_UNTOUCHED, type RawRow, rowOf } from './rows.js'
import { preparing } from './statements.js'
import type { Asked, Page, Row, Sight, Snapshot } from './store.js'
import { FLOOR, SAYS_UNREAD, TOPICS, UNREAD_ABOVE } from './unread.js'

/** Of the row of a user. */
interface UserRow {
  readonly watermark: number
  readonly floor: number
  readonly marks: number
  readonly since: number
  readonly start: number
}

const NOBODY: UserRow = { watermark: 0, floor: 0, marks: 0, since: 0, start: 0 }

const UNREAD_BROADCASTS = (audience: string, since: string, start: string) => `
  SELECT count(*) FROM notification_deliveries d
  WHERE d.audience = ${audience} AND d.ended_at IS NULL AND d.position > max(${FLOOR}, ${start}) AND d.published_at >= ${since}
    AND ${UNREAD_ABOVE('me.id')}`

const NEWEST = (audience: string, since: string, start: string) => `
  SELECT position FROM notification_deliveries
  WHERE audience = ${audience} AND ended_at IS NULL AND position > ${start} AND published_at >= ${since} ORDER BY position DESC LIMIT 1`

const SNAPSHOT = `
  SELECT
    coalesce(u.version, 0)
      + coalesce((SELECT version FROM notification_topics WHERE audience = 'everyone'), 0)
      + coalesce((SELECT sum(t.version) FROM notification_memberships m JOIN notification_topics t ON t.audience = m.audience WHERE m.user_id = me.id), 0)
      AS version,
    coalesce(u.unread, 0)
      + (${UNREAD_BROADCASTS(`'everyone'`, 'coalesce(u.since, 0)', 'coalesce(u.start, 0)')})
      + coalesce((SELECT sum((${UNREAD_BROADCASTS('m.audience', 'm.since', 'm.start')})) FROM notification_memberships m WHERE m.user_id = me.id), 0)
      + (SELECT count(*) FROM notification_receipts r INDEXED BY notification_receipts_unread CROSS JOIN notification_deliveries d ON d.position = r.position AND d.ended_at IS NULL
          WHERE r.user_id = me.id AND ${SAYS_UNREAD} AND r.position <= ${FLOOR} AND (
            (d.audience = 'everyone' AND d.published_at >= u.since AND d.position > u.start)
            OR EXISTS (SELECT 1 FROM notification_memberships m
              WHERE m.user_id = me.id AND m.audience = d.audience AND d.published_at >= m.since AND d.position > m.start)))
      AS unread,
    coalesce(u.membership, '') AS membership,
    max(
      coalesce(u.newest, 0),
      coalesce((${NEWEST(`'everyone'`, 'coalesce(u.since, 0)', 'coalesce(u.start, 0)')}), 0),
      coalesce((SELECT max((${NEWEST('m.audience', 'm.since', 'm.start')})) FROM notification_memberships m WHERE m.user_id = me.id), 0)
    ) AS newest
  FROM (SELECT ? AS id) me LEFT JOIN notification_users u ON u.user_id = me.id`

/** To whom a notification is delivered now, if not to users: their audiences all sort behind. */
const BROADCAST_TO = `
  SELECT d.audience FROM notifications CROSS JOIN notification_deliveries d INDEXED BY notification_deliveries_of
  WHERE notifications.id = ? AND d.notification = notifications.seq AND d.audience < 'user:' AND d.ended_at IS NULL`

/** What one person sees: reads only, each in one snapshot. */
export class Inbox {
  readonly #instant: Instant
  readonly #snapshot: Statement
  readonly #userRow: Statement
  readonly #topics: Statement
  readonly #find: Statement
  readonly #broadcastTo: Statement
  readonly #unreadAt: Statement
  readonly #pages: Pages

  constructor(db: Database) {
    this.#instant = new Instant(db)
    const prepare = preparing(db)
    this.#pages = new Pages(db)
    this.#snapshot = prepare(SNAPSHOT)
    this.#userRow = prepare(`SELECT u.watermark, ${FLOOR} AS floor, u.marks, u.since, u.start FROM notification_users u WHERE u.user_id = ?`)
    this.#topics = prepare(TOPICS)
    this.#unreadAt = prepare(`${AS_IF_UNTOUCHED} AND NOT EXISTS (SELECT 1 FROM notification_receipts WHERE user_id = ? AND position = ?)`).raw()
    this.#find = prepare(`${ROW} WHERE d.published_at >= @since AND d.position > @start AND d.position = (
      SELECT found.position FROM notifications CROSS JOIN notification_deliveries found INDEXED BY notification_deliveries_of
      WHERE notifications.id = @id AND found.notification = notifications.seq AND found.audience = @audience AND found.ended_at IS NULL)`).raw()
    this.#broadcastTo = prepare(BROADCAST_TO).pluck()
  }

  snapshot(user: string): Snapshot {
    return this.#snapshot.get(user) as Snapshot
  }

  look(asked: readonly Asked[]): Sight[] {
    return this.#instant.read(() =>
      asked.map(({ user, seen }) => {
        const snapshot = this.snapshot(user)
        return { snapshot, latest: snapshot.newest > seen ? this.latest(user, seen) : undefined }
      }),
    )
  }

  /**
   * To be called inside a read transaction.
   * @param place of the same instant, where it is known
   */
  list(user: string, page: Page, place = this.placeOf(user)): PagePart {
    return this.#pages.part(user, page, place)
  }

  find(user: string, id: string): Row | undefined {
    return this.#instant.read(() => this.#findAt(this.placeOf(user), user, id))
  }

  /** Those of them that are in the inbox, in their order. */
  findAll(user: string, ids: readonly string[]): Row[] {
    return this.#instant.read(() => {
      const place = this.placeOf(user)
      return ids.flatMap((id) => this.#findAt(place, user, id) ?? [])
    })
  }

  /** The user's own, or a broadcast to an audience that the user is in, however many those are. */
  #findAt({ watermark, streams }: Place, user: string, id: string): Row | undefined {
    const findIn = (stream: Stream) => this.#find.get({ user, id, watermark, ...stream }) as RawRow | undefined
    const own = findIn(ownStream(user))
    if (own !== undefined) return rowOf(own)
    const audience = this.#broadcastTo.get(id) as string | undefined
    const stream = streams.find((stream) => stream.audience === audience)
    const raw = stream && findIn(stream)
    return raw && rowOf(raw)
  }

  /** What stands at a position of the user's own, above the floor; undefined where the user did something with it. */
  unreadAt(user: string, position: number): Row | undefined {
    const raw = this.#unreadAt.get(position, user, position) as RawRow | undefined
    return raw && rowOf(raw)
  }

  latest(user: string, after: number): Row | undefined {
    return this.#instant.read(() => this.#pages.newest(user, after, this.placeOf(user)))
  }

  /** To be called inside a transaction. */
  placeOf(user: string): Place {
    const { watermark, floor, marks, since, start } = (this.#userRow.get(user) as UserRow | undefined) ?? NOBODY
    return { watermark, floor, marks, streams: [{ audience: 'everyone', since, start }, ...(this.#topics.all(user) as Stream[])] }
  }
}
