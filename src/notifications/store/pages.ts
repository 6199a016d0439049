import type { Database, Statement } from 'better-sqlite3'
import { COLUMNS, type RawRow, rowOf } from './rows.js'
import { preparing } from './statements.js'
import type { Page, Row } from './store.js'
import { SAYS_UNREAD } from './unread.js'

/** One of the streams that make up an inbox, and from where on it is this user's: what went to the user alone, to everyone, or to one topic. */
export interface Stream {
  readonly audience: string
  readonly since: number
  readonly start: number
  /** Nothing of it that is theirs stands above; left out where that would have to be looked for. */
  readonly newest?: number | undefined
}

/** Where a user stands in the audiences that are shared with others. */
export interface Place {
  readonly watermark: number
  /** At or below it, whatever is unread has a receipt that says so. */
  readonly floor: number
  readonly streams: readonly Stream[]
  /** Rises with every change of the user's receipts, and of the topics that they are in (migration 0005): while it stays the same, what was read of both holds. 0: there are no receipts. */
  readonly marks: number
}

/** As much of a page as is looked for in one go. */
export interface PagePart {
  readonly rows: readonly Row[]
  /** Whether there are more in the same direction. */
  readonly more: boolean
  /** Where to go on; null where the page is whole. */
  readonly rest: Page | null
}

/** How many rows of one stream are looked at in one go, which takes a millisecond or two: a filter may pass over many thousands. */
const PART = 1000

/**
 * Pages of inboxes: what stands in the user's streams, in one order. To be called inside a read transaction.
 *
 * An example: ada asks for 20 unread, newest first; her floor is 500, everyone's stream reaches to 9,000. Two scans (`scansOf`): 'unread' from 9,000 down
 * to 501, 'unread below' from 500 down. Each candidate may be passed over, so it looks only as far as the `edge`, the thousandth in some stream (7,300,
 * say). It finds 3 and reports the `rest`: a page of 17 before 7,300.
 */
export class Pages {
  readonly #newestFirst: Statements
  readonly #oldestFirst: Statements

  constructor(db: Database) {
    this.#newestFirst = statementsIn(db, 'DESC')
    this.#oldestFirst = statementsIn(db, 'ASC')
  }

  part(user: string, page: Page, place: Place): PagePart {
    const ascending = page.after !== null
    const streams = [ownStream(user), ...place.streams]
    const edge = this.#edge(user, streams, page, place)
    let found: RawRow[] = []
    for (const stream of streams) {
      // What stands behind a whole page of others need not be read.
      const end = found[page.limit]?.[0] ?? edge
      if (stream.newest !== undefined && stream.newest <= (page.after ?? end ?? 0)) continue
      const rows = this.#rows(user, stream, place, page, end)
      found = [...found, ...rows].sort(([a], [b]) => (ascending ? a - b : b - a)).slice(0, page.limit + 1)
    }
    const rows = found.slice(0, page.limit).map(rowOf)
    const more = found.length > page.limit
    return { rows, more, rest: more || edge === undefined ? null : { ...page, ...goOn(edge, ascending), limit: page.limit - rows.length } }
  }

  /** The newest that is not archived, and newer than `after`. */
  newest(user: string, after: number, place: Place): Row | undefined {
    const found = [ownStream(user), ...place.streams].flatMap((stream) => this.#rows(user, stream, place, NEWEST, after))
    const raw = found.reduce<RawRow | undefined>((best, row) => (row[0] > (best?.[0] ?? 0) ? row : best), undefined)
    return raw && rowOf(raw)
  }

  /**
   * One row more than fits the page, so that it shows whether there are more.
   * @param end where to stop: everything that may still be shown stands before it
   */
  #rows(user: string, stream: Stream, { watermark, floor }: Place, page: Page, end: number | undefined): RawRow[] {
    const bound = { user, watermark, audience: stream.audience, since: stream.since, category: page.category, limit: page.limit + 1 }
    const { list } = this.#inOrder(page)
    return scansOf(page, floor, end).flatMap(({ kind, low, high }) => {
      return list[kind].all({ ...bound, low: Math.max(stream.start, low), high }) as RawRow[]
    })
  }

  /** Where a part has to end, as there is more than one part to look at; undefined where it need not, or no row can be passed over. */
  #edge(user: string, streams: readonly Stream[], page: Page, { floor, marks }: Place): number | undefined {
    if (page.filter === 'all' && page.category === null && marks === 0) return undefined
    const { last } = this.#inOrder(page)
    const edges = scansOf(page, floor).flatMap(({ kind, low, high }) => {
      const sources = BY_RECEIPTS.has(kind) ? [{ user, low, high }] : streams.map(({ audience }) => ({ audience, low, high }))
      return sources.flatMap((bound) => (last[kind].get(bound) as number | undefined) ?? [])
    })
    if (edges.length === 0) return undefined
    return page.after === null ? Math.max(...edges) - 1 : Math.min(...edges) + 1
  }

  #inOrder({ after }: Page): Statements {
    return after === null ? this.#newestFirst : this.#oldestFirst
  }
}

/** Of each kind of scan, in one order. */
interface Statements {
  /** The rows. */
  readonly list: Readonly<Record<Kind, Statement>>
  /** The position of the last that one part looks at. */
  readonly last: Readonly<Record<Kind, Statement>>
}

function statementsIn(db: Database, order: 'ASC' | 'DESC'): Statements {
  const prepare = preparing(db)
  const list = (kind: Kind) => prepare(`${LISTS[kind]} ${order} LIMIT @limit`).raw()
  const last = (kind: Kind) => prepare(`${CANDIDATES[kind]} ${order} LIMIT 1 OFFSET ${PART - 1}`).pluck()
  return { list: ofEachKind(list), last: ofEachKind(last) }
}

function ofEachKind(prepare: (kind: Kind) => Statement): Readonly<Record<Kind, Statement>> {
  return { all: prepare('all'), archived: prepare('archived'), unread: prepare('unread'), 'unread below': prepare('unread below') }
}

const NEWEST: Page = { filter: 'all', category: null, before: null, after: null, limit: 0 }

export function ownStream(user: string): Stream {
  return { audience: `user:${user}`, since: Number.MIN_SAFE_INTEGER, start: 0 }
}

function goOn(edge: number, ascending: boolean): Partial<Page> {
  return ascending ? { after: edge - 1 } : { before: edge + 1 }
}

interface Scan {
  readonly kind: Kind
  readonly low: number
  readonly high: number
}

/** What to look through for a page, between exclusive positions. */
function scansOf({ filter, before, after }: Page, floor: number, end?: number): Scan[] {
  const low = after ?? end ?? 0
  const high = before ?? (after === null ? undefined : end) ?? Number.MAX_SAFE_INTEGER
  if (filter !== 'unread') return [{ kind: filter, low, high }]
  return [
    { kind: 'unread', low: Math.max(low, floor), high },
    { kind: 'unread below', low, high: Math.min(high, floor + 1) },
  ]
}

/**
 * 'unread below' stands at or below the floor and has a receipt that says unread, as the user or `Settling` has written it: few, so the index of such
 * receipts leads.
 */
type Kind = 'all' | 'archived' | 'unread' | 'unread below'

const BY_RECEIPTS: ReadonlySet<Kind> = new Set(['archived', 'unread below'])

/** A delivery with its content and with what this user did with it. */
export const ROW = `
  SELECT ${COLUMNS},
    CASE WHEN r.user_id IS NOT NULL THEN r.read_at WHEN d.position <= @watermark THEN
      (SELECT w.at FROM notification_watermarks w WHERE w.user_id = @user AND w.position >= d.position ORDER BY w.position LIMIT 1) END,
    r.archived_at,
    CASE WHEN r.user_id IS NOT NULL THEN ${SAYS_UNREAD} ELSE d.position > @watermark END
  FROM notification_deliveries d
  JOIN notification_facts n ON n.seq = d.notification
  LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position`

const IN_STREAM = `d.audience = @audience AND d.ended_at IS NULL AND d.published_at >= @since AND d.position > @low AND d.position < @high`
const CATEGORY = `(@category IS NULL OR n.category = @category)`
const DELIVERIES = `
  SELECT position FROM notification_deliveries WHERE audience = @audience AND ended_at IS NULL AND position > @low AND position < @high ORDER BY position`
const ARCHIVED = { index: 'notification_receipts_archived', which: 'r.archived_at IS NOT NULL' }
const UNREAD_BELOW_FLOOR = { index: 'notification_receipts_unread', which: SAYS_UNREAD }

const LISTS: Readonly<Record<Kind, string>> = {
  all: `${ROW} WHERE ${IN_STREAM} AND r.archived_at IS NULL AND ${CATEGORY} ORDER BY d.position`,
  unread: `${ROW} WHERE ${IN_STREAM} AND (r.user_id IS NULL OR ${SAYS_UNREAD}) AND ${CATEGORY} ORDER BY d.position`,
  archived: ledByReceipts(ARCHIVED),
  'unread below': ledByReceipts(UNREAD_BELOW_FLOOR),
}

/** What each of them goes through, whatever of it is then passed over. */
const CANDIDATES: Readonly<Record<Kind, string>> = {
  all: DELIVERIES,
  unread: DELIVERIES,
  archived: receipts(ARCHIVED),
  'unread below': receipts(UNREAD_BELOW_FLOOR),
}

function ledByReceipts({ index, which }: typeof ARCHIVED): string {
  return `
    SELECT ${COLUMNS}, r.read_at, r.archived_at, r.archived_at IS NULL
    FROM notification_receipts r INDEXED BY ${index} CROSS JOIN notification_deliveries d ON d.position = r.position
    JOIN notification_facts n ON n.seq = d.notification
    WHERE r.user_id = @user AND ${which} AND ${IN_STREAM} AND r.position > @low AND r.position < @high AND ${CATEGORY}
    ORDER BY r.position`
}

function receipts({ index, which }: typeof ARCHIVED): string {
  return `
    SELECT r.position FROM notification_receipts r INDEXED BY ${index}
    WHERE r.user_id = @user AND ${which} AND r.position > @low AND r.position < @high ORDER BY r.position`
}
