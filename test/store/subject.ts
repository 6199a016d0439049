import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Sqlite, { type Database } from 'better-sqlite3'
import { noMetrics } from '../../src/notifications/metrics.js'
import { openSqliteStore } from '../../src/notifications/store/sqlite.js'
import type { Store } from '../../src/notifications/store/store.js'
import type { StoreUnderTest } from '../contracts/store.js'
import { recount } from './recount.js'

const run = promisify(execFile)

export interface Logged {
  readonly details: object
  readonly message: string
}

/** A SQLite store in a temporary folder. */
export class SqliteSubject implements StoreUnderTest {
  readonly folder: string
  readonly logged: Logged[] = []
  readonly store: Store
  readonly #reader: Database

  /** @param host where given, the store works on this kind of handle of the host's instead of on a path */
  constructor(open: (path: string) => string | Database = (path) => path) {
    this.folder = temporaryFolder()
    this.store = openStore(open(this.path), this.logged)
    this.#reader = new Sqlite(this.path, { timeout: 5000 })
  }

  get path(): string {
    return join(this.folder, 'test.db')
  }

  foreign(sql: string): Promise<void> {
    return foreign(this.path, sql)
  }

  recount(user: string): number {
    return recount(this.#reader, user)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close()
    this.#reader.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'belfry-store-'))
}

export function openStore(database: string | Database, logged: Logged[] = []): Store {
  const log = (details: object, message: string) => void logged.push({ details, message })
  return openSqliteStore({ database, logger: { info: log, warn: log, error: log }, metrics: noMetrics })
}

/** Another process runs a statement: sqlite3's shell where there is one, with none of our settings, else a plain Node. */
async function foreign(path: string, sql: string): Promise<void> {
  try {
    await run('sqlite3', ['-cmd', '.timeout 10000', path, sql])
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    const script = `const db = new (require('better-sqlite3'))(process.argv[1], { timeout: 10000 }); db.exec(process.argv[2])`
    await run(process.execPath, ['-e', script, path, sql])
  }
}
