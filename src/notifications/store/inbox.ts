import type { Database, Statement } from 'better-sqlite3'
import { Instant } from './instant.js'
import { COLUMNS, type RawRow, rowOf, UNREAD_AT } from './rows.js'
import { preparing } from './statements.js'
import type { Asked, Listing, Page, Row, Sight, Snapshot } from './store.js'

/** One of the streams that make up an inbox, and from where on it is this user's: what went to the user alone, to everyone, or to one topic. */
export interface Stream {
  readonly audience: string
  readonly since: number
  readonly start: number
}

/** Where a user stands in the audiences that are shared with others. */
export interface Place {
  readonly watermark: number
  readonly streams: readonly Stream[]
}

interface Member {
  readonly watermark: number
  readonly since: number
  readonly start: number
}

/** Above the watermark: without a receipt that says read. */
const UNREAD_BROADCASTS = (audience: string, since: string, start: string) => `
  SELECT count(*) FROM notification_deliveries d
  WHERE d.audience = ${audience} AND d.ended_at IS NULL AND d.position > max(coalesce(u.watermark, 0), ${start}) AND d.published_at >= ${since}
    AND NOT EXISTS (
      SELECT 1 FROM notification_receipts r WHERE r.user_id = me.id AND r.position = d.position AND (r.read_at IS NOT NULL OR r.archived_at IS NOT NULL))`

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
          WHERE r.user_id = me.id AND r.read_at IS NULL AND r.archived_at IS NULL AND r.position <= u.watermark AND (
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

/** A delivery with its content and with what this user did with it. */
const ROW = `
  SELECT ${COLUMNS},
    CASE WHEN r.user_id IS NOT NULL THEN r.read_at WHEN d.position <= @watermark THEN
      (SELECT w.at FROM notification_watermarks w WHERE w.user_id = @user AND w.position >= d.position ORDER BY w.position LIMIT 1) END,
    r.archived_at,
    CASE WHEN r.user_id IS NOT NULL THEN r.read_at IS NULL AND r.archived_at IS NULL ELSE d.position > @watermark END
  FROM notification_deliveries d
  JOIN notification_facts n ON n.seq = d.notification
  LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position`

const IN_STREAM = `d.audience = @audience AND d.ended_at IS NULL AND d.published_at >= @since AND d.position > @low AND d.position < @high`

const CATEGORY = `(@category IS NULL OR n.category = @category)`

/** What one person sees: reads only, each in one snapshot. */
export class Inbox {
  readonly #instant: Instant
  readonly #snapshot: Statement
  readonly #member: Statement
  readonly #topics: Statement
  readonly #find: Statement
  readonly #unreadAt: Statement
  readonly #prepare: (sql: string) => Statement
  readonly #lists = new Map<string, Statement>()

  constructor(db: Database) {
    this.#instant = new Instant(db)
    this.#prepare = preparing(db)
    this.#snapshot = this.#prepare(SNAPSHOT)
    this.#member = this.#prepare(`SELECT watermark, since, start FROM notification_users WHERE user_id = ?`)
    this.#topics = this.#prepare(`SELECT audience, since, start FROM notification_memberships WHERE user_id = ?`)
    this.#unreadAt = this.#prepare(`${UNREAD_AT} AND NOT EXISTS (SELECT 1 FROM notification_receipts WHERE user_id = ? AND position = ?)`).raw()
    this.#find = this.#prepare(`${ROW} WHERE d.published_at >= @since AND d.position > @start AND d.position = (
      SELECT found.position FROM notifications CROSS JOIN notification_deliveries found INDEXED BY notification_deliveries_of
      WHERE notifications.id = @id AND found.notification = notifications.seq AND found.audience = @audience AND found.ended_at IS NULL)`).raw()
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
  list(user: string, page: Page, place = this.#placeOf(user)): Pick<Listing, 'rows' | 'more'> {
    const ascending = page.after !== null
    let found: RawRow[] = []
    for (const stream of [ownStream(user), ...place.streams]) {
      // What stands behind a whole page of others need not be read.
      const end = found[page.limit]?.[0]
      const rows = this.#rows(user, stream, place.watermark, page, end)
      found = [...found, ...rows].sort(([a], [b]) => (ascending ? a - b : b - a)).slice(0, page.limit + 1)
    }
    return { rows: found.slice(0, page.limit).map(rowOf), more: found.length > page.limit }
  }

  find(user: string, id: string): Row | undefined {
    return this.#instant.read(() => {
      const { watermark, streams } = this.#placeOf(user)
      for (const { audience, since, start } of [ownStream(user), ...streams]) {
        const raw = this.#find.get({ user, id, audience, since, start, watermark }) as RawRow | undefined
        if (raw !== undefined) return rowOf(raw)
      }
      return undefined
    })
  }

  /** What stands at a position of the user's own, above the watermark; undefined where the user did something with it. */
  unreadAt(user: string, position: number): Row | undefined {
    const raw = this.#unreadAt.get(position, user, position) as RawRow | undefined
    return raw && rowOf(raw)
  }

  latest(user: string, after: number): Row | undefined {
    return this.#instant.read(() => {
      const { watermark, streams } = this.#placeOf(user)
      const newest = { filter: 'all', category: null, before: null, after: null, limit: 0 } as const
      const found = [ownStream(user), ...streams].flatMap((stream) => this.#rows(user, stream, watermark, newest))
      const raw = found.reduce<RawRow | undefined>((best, row) => (row[0] > Math.max(after, best?.[0] ?? 0) ? row : best), undefined)
      return raw && rowOf(raw)
    })
  }

  #placeOf(user: string): Place {
    const { watermark, since, start } = (this.#member.get(user) as Member | undefined) ?? { watermark: 0, since: 0, start: 0 }
    return { watermark, streams: [{ audience: 'everyone', since, start }, ...(this.#topics.all(user) as Stream[])] }
  }

  /**
   * One row more than fits the page, so that it shows whether there are more.
   * @param end where to stop: the position of the last row that may still be shown
   */
  #rows(user: string, stream: Stream, watermark: number, page: Page, end?: number): RawRow[] {
    const low = Math.max(stream.start, page.after ?? end ?? 0)
    const high = page.before ?? (page.after === null ? undefined : end) ?? Number.MAX_SAFE_INTEGER
    const bound = { user, watermark, audience: stream.audience, since: stream.since, category: page.category, limit: page.limit + 1 }
    const order = page.after === null ? 'DESC' : 'ASC'
    const read = (kind: ListKind, from: number, to: number) => this.#list(kind, order).all({ ...bound, low: from, high: to }) as RawRow[]
    if (page.filter !== 'unread') return read(page.filter, low, high)
    return [...read('unread', Math.max(low, watermark), high), ...read('unread again', low, Math.min(high, watermark + 1))]
  }

  #list(kind: ListKind, order: 'ASC' | 'DESC'): Statement {
    const key = `${kind} ${order}`
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const statement = this.#prepare(`${LISTS[kind]} ${order} LIMIT @limit`).raw()
    this.#lists.set(key, statement)
    return statement
  }
}

function ownStream(user: string): Stream {
  return { audience: `user:${user}`, since: Number.MIN_SAFE_INTEGER, start: 0 }
}

/** 'unread again' stands at or below the watermark and was marked as unread: few, so the index of such receipts leads. */
type ListKind = 'all' | 'archived' | 'unread' | 'unread again'

const LISTS: Record<ListKind, string> = {
  all: `${ROW} WHERE ${IN_STREAM} AND r.archived_at IS NULL AND ${CATEGORY} ORDER BY d.position`,
  unread: `${ROW} WHERE ${IN_STREAM} AND (r.user_id IS NULL OR (r.read_at IS NULL AND r.archived_at IS NULL)) AND ${CATEGORY} ORDER BY d.position`,
  archived: ledByReceipts('notification_receipts_archived', 'r.archived_at IS NOT NULL'),
  'unread again': ledByReceipts('notification_receipts_unread', 'r.read_at IS NULL AND r.archived_at IS NULL'),
}

function ledByReceipts(index: string, which: string): string {
  return `
    SELECT ${COLUMNS}, r.read_at, r.archived_at, r.archived_at IS NULL
    FROM notification_receipts r INDEXED BY ${index} CROSS JOIN notification_deliveries d ON d.position = r.position
    JOIN notification_facts n ON n.seq = d.notification
    WHERE r.user_id = @user AND ${which} AND ${IN_STREAM} AND r.position > @low AND r.position < @high AND ${CATEGORY}
    ORDER BY r.position`
}
