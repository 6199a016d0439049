import { randomBytes } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { SchemaError } from '../errors.js'
import { patiently } from './migrate.js'

/**
 * Makes a database another one than that which it is a copy of: to be called on a backup before it is opened in the place of
 * the original. Versions and cursors of before mean nothing in it, and every client reads its state anew.
 * Throws SchemaError where the database holds no notifications of ours.
 */
export function renewEpoch(db: Database): void {
  const known = db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'notification_meta'`).get() !== undefined
  const changed = known ? db.prepare(`UPDATE notification_meta SET value = ? WHERE key = 'epoch'`).run(randomBytes(8).toString('hex')).changes : 0
  if (changed === 0) throw new SchemaError("The database holds no notifications of Belfry's.")
}

/** A new one where another program has emptied the table: versions begin again, too. */
export function epochOf(db: Database): string {
  const read = db.prepare(`SELECT value FROM notification_meta WHERE key = 'epoch'`).pluck()
  const make = db.prepare(`INSERT INTO notification_meta (key, value) VALUES ('epoch', ?) ON CONFLICT (key) DO NOTHING`)
  if (read.get() === undefined) patiently(() => make.run(randomBytes(8).toString('hex')))
  return read.get() as string
}
