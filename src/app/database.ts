import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type BelfryError, UnavailableError } from '../notifications/index.js'
import { settingError } from './config.js'

/** For how long work on a locked database is tried again, in milliseconds. */
const PATIENCE = 5000
/** The same while the app starts beside others that migrate, when nobody is served yet. */
const STARTING_PATIENCE = 10_000
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 100

/** What to do with a database that is another app's. */
export const ANOTHER_APPS =
  'it has a table notifications, and none of the tables of the app. Where it belongs to an app that embeds Belfry, INSERT into that table or call notify in that app; else give the path of another file'

/**
 * The app's own handle on its SQLite file. The plugin is given the path and has a handle of its own: no transaction of
 * ours can hold up or roll back what it acknowledged. Both write synchronously in one thread, so they never meet in a lock.
 */
export class AppDatabase {
  readonly handle: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  /** Opens the file, and makes it (readable for its owner only) where there is none. Throws where it can't, and changes nothing of another app's. */
  constructor(path: string) {
    makeFolder(dirname(resolve(path)))
    closeSync(openSync(path, 'a', 0o600))
    this.handle = new Database(path, { timeout: STARTING_PATIENCE })
    if (isOfAnotherApp(this.handle)) {
      this.handle.close()
      throw settingError('DATABASE_URL', path, ANOTHER_APPS)
    }
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

  /** Rejects while users or sessions cannot be read. Whether the file is still where it was, the plugin looks. */
  async check(): Promise<void> {
    const sql = `SELECT (SELECT count(*) FROM users WHERE id = 0) + (SELECT count(*) FROM sessions WHERE id = '')`
    await this.run(() => this.prepare(sql).get())
  }

  close(): void {
    this.handle.close()
  }
}

/** Makes a folder with those above it, readable for its owner only. Not by Node's `recursive`, which never ends where a parent is there and takes nothing, as in /proc. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Whether somebody keeps notifications there and Belfry's own app, which makes its own tables first, was never started on it. */
export function isOfAnotherApp(database: Database.Database): boolean {
  const names = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('notifications', 'app_migrations')`).pluck().all()
  return names.length === 1 && names[0] === 'notifications'
}

function isLock(error: { readonly code: string }): boolean {
  return error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED')
}

function unavailable(cause: Error): BelfryError {
  return new UnavailableError('The database does not answer. Nothing was changed; please try again.', { cause })
}
