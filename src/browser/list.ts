import type { Item } from '../notifications/protocol.js'

/** Part of the inbox, newest first; without `nextCursor` it goes to the end. */
export interface Stretch {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** What is needed of a shown row: a cursor stands for one notification, and says where it stands. */
export interface Shown {
  readonly dataset: { readonly cursor?: string }
}

/** How shown rows differ from what the server has. */
export interface Changes<Row> {
  /** Those that are not shown, newest first. */
  readonly fresh: readonly Item[]
  /** Shown rows that the server still has, and as what. */
  readonly same: readonly (readonly [Row, Item])[]
  /** Shown rows that are gone. */
  readonly gone: readonly Row[]
}

/** Compares rows with a stretch that begins above them. A row is gone only where the stretch covers its place. */
export function compare<Row extends Shown>(shown: readonly Row[], { items, nextCursor }: Stretch): Changes<Row> {
  const end = position(nextCursor)
  const left = new Map(shown.map((row) => [row.dataset.cursor, row]))
  const same: [Row, Item][] = []
  const fresh = items.filter((item) => {
    const row = left.get(item.cursor)
    if (row) same.push([row, item])
    return !left.delete(item.cursor)
  })
  return { fresh, same, gone: [...left.values()].filter(({ dataset }) => position(dataset.cursor) > end) }
}

/** Where a cursor points: the later something came, the higher; 0 without one. To everybody else cursors are opaque. */
export function position(cursor: string | null | undefined): number {
  return parseInt(cursor || '0', 36)
}
