import type { Item } from '../notifications/protocol.js'
import { type InboxView, idOf } from './inbox-view.js'
import { position } from './list.js'

export const PAGE = 25
const MOST = 100

export type Query = Readonly<Record<string, string>>

/** The part of the inbox that the page shows, as the server has it. */
export interface Reading {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
  /** The state that it was read with. */
  readonly shows: string
}

/** Reads as far as what is new, and a page more. Where rows stay on the page of the unread though they were read, it reads as far as all rows, to see whether they are still there. */
export async function readInbox(view: InboxView, query: Query, keeps: (id: string) => boolean): Promise<Reading> {
  const rows = view.rows()
  if (!rows.some((row) => keeps(idOf(row)))) return readUntil(view, query, PAGE + rows.length, view.newest())
  const all = await readUntil(view, { ...query, filter: 'all' }, MOST, position(rows.at(-1)?.dataset.cursor))
  return { ...all, items: all.items.filter(({ id, state }) => state === 'unread' || keeps(id)) }
}

async function readUntil({ bell }: InboxView, query: Query, many: number, until: number): Promise<Reading> {
  const limit = String(Math.min(MOST, many))
  const items: Item[] = []
  let nextCursor: string | null = null
  let shows: string | undefined
  do {
    const page = await bell.client.list({ ...query, limit, ...(nextCursor && { before: nextCursor }) })
    items.push(...page.items)
    nextCursor = page.nextCursor
    shows ??= `${page.epoch} ${page.version}`
  } while (nextCursor && position(nextCursor) > until && items.length < MOST * 10)
  return { items, nextCursor, shows }
}
