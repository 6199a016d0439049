import type { Item } from '../notifications/protocol.js'
import { type InboxView, idOf } from './inbox-view.js'

export const PAGE = 25
const MOST = 100

export type Query = Readonly<Record<string, string>>

/** The part of the inbox that the page shows, as the server has it. */
export interface Reading {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
  /** The state that it was read with. */
  readonly shows: string
  /** Rows that the filter does not show any more and that may stay: they are still in the inbox. */
  readonly left: ReadonlySet<string>
}

/** Reads as far as the first row that is shown; and, for rows that stay though they were read, whether they are still there at all. */
export async function readInbox(view: InboxView, query: Query, keeps: (id: string) => boolean): Promise<Reading> {
  const rows = view.rows()
  const ids = new Set(rows.map(idOf))
  const read = await readUntil(view, query, Math.min(MOST, PAGE + ids.size), (items) => ids.size === 0 || items.some(({ id }) => ids.has(id)))
  const shown = new Set(read.items.map(({ id }) => id))
  const kept = rows.filter((row) => keeps(idOf(row)) && !shown.has(idOf(row)))
  return { ...read, left: await stillThere(view, query, kept) }
}

async function stillThere(view: InboxView, query: Query, kept: readonly HTMLElement[]): Promise<ReadonlySet<string>> {
  const oldest = kept.at(-1)?.querySelector('time')?.dateTime
  if (!oldest) return new Set()
  const covers = (items: readonly Item[]) => (items.at(-1)?.createdAt ?? oldest) < oldest
  const { items, nextCursor } = await readUntil(view, { ...query, filter: 'all' }, MOST, covers)
  // What lies deeper than was read may well be there.
  const unknown = nextCursor !== null && !covers(items)
  return new Set(kept.map(idOf).filter((asked) => unknown || items.some(({ id }) => id === asked)))
}

async function readUntil(
  { bell }: InboxView,
  query: Query,
  limit: number,
  enough: (items: readonly Item[]) => boolean,
): Promise<Omit<Reading, 'left'>> {
  const page = await bell.client.list({ ...query, limit: String(limit) })
  const items = [...page.items]
  let { nextCursor } = page
  while (nextCursor && items.length < MOST * 10 && !enough(items)) {
    const more = await bell.client.list({ ...query, before: nextCursor, limit: String(MOST) })
    items.push(...more.items)
    nextCursor = more.nextCursor
  }
  return { items, nextCursor, shows: `${page.epoch} ${page.version}` }
}
