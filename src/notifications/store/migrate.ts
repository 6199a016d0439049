import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from 'better-sqlite3'
import { SchemaError } from '../errors.js'
import { isBusy } from './failures.js'

interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  readonly sha256: string
}

interface Applied {
  readonly version: number
  readonly name: string
  readonly sha256: string
}

export interface MigrationOptions {
  /** Where the files `NNNN_name.sql` are, numbered from 0001 without gaps. */
  readonly folder: URL
  /** The table that records what was applied; made when it is missing. */
  readonly ledger: string
}

/** How long a start waits for others who migrate or hold a lock, in milliseconds. */
const PATIENCE = 15_000

/**
 * Applies the files of a folder in the order of their numbers, each once and in a transaction of its own, however many processes start at
 * once and wherever one is killed. Waits up to 15 seconds for locks, holding the thread: starts are synchronous.
 * Returns the names of those that it applied itself. Throws SchemaError where the database is newer than the folder, where an applied file has changed, or where a table is in the way.
 */
export function migrateSqlite(db: Database, { folder, ledger }: MigrationOptions): readonly string[] {
  if (db.inTransaction) throw new SchemaError('A database cannot be migrated inside an open transaction: end it first.')
  const migrations = readMigrations(fileURLToPath(folder))
  const names: string[] = []
  const step = db.transaction(() => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS ${ledger} (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL)`,
    )
    const migration = next(db, migrations, ledger)
    if (migration !== undefined) apply(db, migration, ledger)
    return migration?.name
  })
  while (patiently(() => next(db, migrations, ledger)) !== undefined) {
    const name = patiently(() => step.immediate())
    if (name !== undefined) names.push(name)
  }
  return names
}

/** Tries again while the database is locked. Here, and only here, waiting holds the thread. */
export function patiently<T>(attempt: () => T): T {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20)
    }
  }
}

function readMigrations(folder: string): readonly Migration[] {
  const names = readdirSync(folder)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
  return names.map((name, index) => {
    const version = Number(name.slice(0, 4))
    if (version !== index + 1)
      throw new SchemaError(`The migrations in ${folder} are not numbered without gaps: ${name} stands at place ${index + 1}.`)
    const sql = readFileSync(join(folder, name), 'utf8')
    return { version, name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
  })
}

/** The first migration that is still to be applied; undefined when none is. */
function next(db: Database, migrations: readonly Migration[], ledger: string): Migration | undefined {
  const known = db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(ledger) !== undefined
  const applied = known ? (db.prepare(`SELECT version, name, sha256 FROM ${ledger} ORDER BY version`).safeIntegers(false).all() as Applied[]) : []
  for (const { version, name, sha256 } of applied) {
    const migration = migrations[version - 1]
    if (migration === undefined) {
      throw new SchemaError(`The database was migrated by a newer version (${name} is not known here). Start that version, or restore a backup.`)
    }
    if (migration.sha256 !== sha256) {
      throw new SchemaError(
        `The migration ${name} is not the one that was applied to this database: its content has changed. Put the file back as it was, and what is to change into a new one.`,
      )
    }
  }
  return migrations[applied.length]
}

function apply(db: Database, { version, name, sql, sha256 }: Migration, ledger: string): void {
  try {
    db.exec(sql)
  } catch (error) {
    const [, thing] = /^\w+ "?(\w+)"? already exists/.exec(error instanceof Error ? error.message : '') ?? []
    if (thing === undefined) throw error
    throw new SchemaError(
      `The database already has a table or an index named "${thing}" that is not ours. Rename it, or keep notifications in a database of their own. (Or it is ours, and another program has emptied ${ledger}: then drop all that is called so, and it is made anew, empty.)`,
    )
  }
  db.prepare(`INSERT INTO ${ledger} (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)`).run(version, name, sha256, Date.now())
}
