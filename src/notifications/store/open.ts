import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { OptionError, SchemaError, UnavailableError } from '../errors.js'
import { driverFailure, driverFor } from './driver.js'
import { epochOf } from './epoch.js'
import { isBusy, sqliteCode } from './failures.js'
import { dropLeftViews, requireIntact } from './intact.js'
import { migrateSqlite, patiently } from './migrate.js'

const MIGRATIONS = { folder: new URL('../../../migrations/notifications/sqlite/', import.meta.url), ledger: 'notification_migrations' }

/** What the connection may keep in memory of the database; SQLite's own 2 MB hold the indexes of a few hundred users. */
const CACHE_KB = 16_000

/** How long a statement may wait for a lock, in milliseconds: it holds the event loop meanwhile, so the writer waits instead. */
const BUSY_TIMEOUT = 10

export interface Opened {
  /** What the store reads and writes with. */
  readonly db: Database
  /** The host's own handle, where it gave one. */
  readonly host: Database | undefined
  /** Whether `db` is the host's handle: a database in memory has no second connection. */
  readonly shared: boolean
  readonly epoch: string
  /** What an older database was brought up to date with; nothing where it was made. */
  readonly migrations: readonly string[]
}

/** Opens and migrates. Throws SchemaError, OptionError or UnavailableError, in a whole sentence. */
export function open(database: string | Database): Opened {
  const host = typeof database === 'string' ? undefined : usable(database)
  const path = host === undefined ? String(database) : fileOf(host)
  const shared = host?.memory === true || path === ''
  let db = host
  try {
    if (db === undefined || !shared) db = connect(path, host)
    return { db, host, shared, ...prepare(db, host, shared) }
  } catch (error) {
    if (db !== host) db?.close()
    throw sqliteCode(error) === '' ? error : startFailure(error, path)
  }
}

function usable(host: Database): Database {
  if (!host.open) throw new OptionError('The option database is a Database that has been closed.')
  if (host.readonly) throw new OptionError('The option database is a Database that was opened for reading only.')
  if (host.inTransaction) throw new OptionError('The option database is a Database with an open transaction: end it first.')
  if (!host.memory && host.pragma('locking_mode', { simple: true }) === 'exclusive')
    throw new OptionError('The option database is a Database that lets in no other connection: leave PRAGMA locking_mode at NORMAL.')
  return host
}

/** As SQLite opened it, '' in memory: a relative path may have been meant from another folder than the present one. */
export function fileOf(host: Database): string {
  const [main] = host.pragma('database_list') as { readonly file: string }[]
  return main?.file ?? ''
}

function connect(path: string, host: Database | undefined): Database {
  const Driver = driverFor(host)
  if (path !== ':memory:' && path !== '') mkdirSync(dirname(path), { recursive: true })
  try {
    return new Driver(path, { timeout: BUSY_TIMEOUT })
  } catch (error) {
    throw driverFailure(error)
  }
}

function prepare(db: Database, host: Database | undefined, shared: boolean): Pick<Opened, 'epoch' | 'migrations'> {
  if (!shared) {
    patiently(() => db.pragma('journal_mode = WAL'))
    db.pragma('synchronous = FULL')
    db.pragma(`cache_size = -${CACHE_KB}`)
  }
  const make = () => inMemory(host)
  dropLeftViews(db, make)
  const applied = migrateSqlite(db, MIGRATIONS)
  const isNew = applied[0]?.startsWith('0001') === true
  if (!isNew) requireIntact(db, make)
  return { epoch: epochOf(db), migrations: isNew ? [] : applied }
}

/** An empty one, as the migrations make it. */
function inMemory(host: Database | undefined): Database {
  const db = connect(':memory:', host)
  migrateSqlite(db, MIGRATIONS)
  return db
}

function startFailure(error: unknown, path: string): Error {
  if (isBusy(error)) return new UnavailableError(`The database ${path} is locked by another process.`, { cause: error })
  if (sqliteCode(error) === 'SQLITE_NOTADB') return new SchemaError(`The file ${path} is not a database of SQLite's.`)
  return new UnavailableError(`The database ${path} cannot be opened: ${error instanceof Error ? error.message : 'nobody knows why'}.`, {
    cause: error,
  })
}
