import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type BelfryError, UnavailableError } from '../notifications/index.js'

/** For how long work on a locked database is tried again, in milliseconds. */
const PATIENCE = 5000
/** The same while the app starts beside others that migrate, when nobody is served yet. */
const STARTING_PATIENCE = 10_000
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 100

/**
 * The app's own handle on its SQLite file. The plugin is given the path and has a handle of its own: no transaction of
 * ours can hold up or roll back what it acknowledged. Both write synchronously in one thread, so they never meet in a lock.
 */
export class AppDatabase {
  readonly handle: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  /** Opens the file, and makes it (readable for its owner only) where there is none. Throws where it can't. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
    this.handle = new Database(path, { timeout: STARTING_PATIENCE })
    this.handle.pragma('journal_mode = WAL')
    this.handle.pragma('synchronous = FULL')
    this.handle.pragma('foreign_keys = ON')
  }

  /** From here on locks are waited for by `run`: a busy timeout is waited out synchronously, with the whole event loop. */
  serve(): void {
    this.handle.pragma('busy_timeout = 0')
  }

  /** Compiled once for each text. */
  prepare<Values extends unknown[] = unknown[], Row = unknown>(sql: string): Database.Statement<Values, Row> {
    const statement = this.#statements.get(sql) ?? this.handle.prepare(sql)
    this.#statements.set(sql, statement)
    return statement as Database.Statement<Values, Row>
  }

  /**
   * Does `work`, one or more statements of which only the last writes; for several writes there is `transaction`.
   * While another process holds a lock it is done again, for 5 seconds; then, and where the database is out, an
   * UnavailableError, and nothing was changed.
   */
  async run<T>(work: () => T): Promise<T> {
    const giveUpAt = performance.now() + PATIENCE
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof Database.SqliteError) || error.code.startsWith('SQLITE_CONSTRAINT')) throw error
        if (!isLock(error) || performance.now() + pause > giveUpAt) throw unavailable(error)
      }
      await sleep(pause)
    }
  }

  /** The same in one immediate transaction: all of it or nothing. */
  transaction<T>(work: () => T): Promise<T> {
    const transaction = this.handle.transaction(work)
    return this.run(() => transaction.immediate())
  }

  /** Rejects while users or sessions cannot be read. */
  async check(): Promise<void> {
    const sql = `SELECT (SELECT count(*) FROM users WHERE id = 0) + (SELECT count(*) FROM sessions WHERE id = '')`
    await this.run(() => this.prepare(sql).get())
  }

  close(): void {
    this.handle.close()
  }
}

function isLock(error: { readonly code: string }): boolean {
  return error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED')
}

function unavailable(cause: Error): BelfryError {
  return new UnavailableError('The database does not answer. Nothing was changed; please try again.', { cause })
}
