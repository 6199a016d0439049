import type { Database, Statement } from 'better-sqlite3'

/** Several readings of the same instant, in a read transaction whose statements are prepared once: making one anew takes as long as reading a row. */
export class Instant {
  readonly #db: Database
  readonly #begin: Statement
  readonly #commit: Statement

  constructor(db: Database) {
    this.#db = db
    this.#begin = db.prepare('BEGIN')
    this.#commit = db.prepare('COMMIT')
  }

  /** Inside a transaction that is open already, as part of it. */
  read<T>(read: () => T): T {
    if (this.#db.inTransaction) return read()
    this.#begin.run()
    try {
      return read()
    } finally {
      if (this.#db.inTransaction) this.#commit.run()
    }
  }
}
