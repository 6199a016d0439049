import type { Item } from '../notifications/protocol.js'

/** Part of the inbox, newest first; without `nextCursor` it goes to the end. */
export interface Stretch {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** What is to be done to rows so that they show what the server has. */
export interface Changes {
  /** To be inserted before the shown row of that id. */
  readonly insert: readonly { readonly item: Item; readonly before: string }[]
  /** New ones above the first shown row, newest first. */
  readonly head: readonly Item[]
  /** To be appended below the last row. */
  readonly tail: readonly Item[]
  /** Shown rows that the server still has, as it has them. */
  readonly same: readonly Item[]
  /** Shown rows that are gone. */
  readonly gone: readonly string[]
}

/**
 * Compares the ids of shown rows, newest first, with a stretch of the inbox that begins where they begin. A row is gone
 * only where the stretch covers its place; what lies below the last shown row belongs to the next page,
 * where there is one.
 * @param room how many rows an empty page takes
 */
export function compare(shown: readonly string[], { items, nextCursor }: Stretch, room: number, isLast: boolean): Changes {
  const has = new Set(items.map(({ id }) => id))
  const known = new Set(shown)
  const lastCovered = nextCursor === null ? shown.length - 1 : shown.findLastIndex((id) => has.has(id))
  const first = items.findIndex(({ id }) => known.has(id))
  const last = items.findLastIndex(({ id }) => known.has(id))
  const fresh = items.filter(({ id }) => !known.has(id))
  const place = (item: Item) => items.indexOf(item)
  const head = first < 0 ? fresh.slice(0, room) : fresh.filter((item) => place(item) < first)
  const middle = fresh.filter((item) => first >= 0 && place(item) > first && place(item) < last)
  return {
    head,
    insert: middle.map((item) => ({ item, before: items.slice(place(item)).find(({ id }) => known.has(id))?.id ?? '' })),
    tail: isLast && nextCursor === null && first >= 0 ? fresh.filter((item) => place(item) > last) : [],
    same: items.filter(({ id }) => known.has(id)),
    gone: shown.slice(0, lastCovered + 1).filter((id) => !has.has(id)),
  }
}
