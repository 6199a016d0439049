import type { Database, Statement } from 'better-sqlite3'
import { preparing } from './statements.js'

/** How much is looked at in one portion: rows of the database, so that none of them holds the event loop for long. */
export const ROWS = 500
/** Which notifications belong to the portion behind `@from`, by their numbers; these may be far apart, as other processes can choose their own. */
export const IN_PORTION = (seq: string, rows = ROWS) => `${seq} > @from AND ${seq} <= @from + ${rows}`
/** Where portions of what was sent begin: below all of them. */
export const FIRST = -(2n ** 63n)

/** All that was sent, in the order of its numbers, to be gone through in portions. Reads only. */
export class Sequence {
  readonly #next: Statement

  constructor(db: Database, rows = ROWS) {
    this.#next = preparing(db)(NEXT(rows)).pluck().safeIntegers()
  }

  /** Where the next portion begins; null at the end. */
  after(from: bigint): bigint | null {
    return this.#next.get({ from }) as bigint | null
  }
}

/** Deliveries and recipients may have outlived what they belong to. */
const NEXT = (rows: number) => `
  SELECT min(seq) - 1 FROM (
    SELECT min(seq) AS seq FROM notifications WHERE seq > @from + ${rows}
    UNION ALL SELECT min(notification) FROM notification_deliveries WHERE notification > @from + ${rows}
    UNION ALL SELECT min(notification) FROM notification_recipients WHERE notification > @from + ${rows})`
