import type { Database } from 'better-sqlite3'
import { SchemaError } from '../errors.js'
import { patiently } from './migrate.js'

/** In the order of what is missed most: a trigger goes with its table. */
const OURS = `
  SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'
  ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'view' THEN 2 WHEN 'trigger' THEN 3 ELSE 4 END, name`

/** Tools that empty a database drop all of its tables, and leave its views. */
const LEFT = `
  SELECT name FROM sqlite_master WHERE type = 'view' AND name IN ('notification_facts', 'notification_gone', 'notification_uncommon')
    AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name IN ('notifications', 'notification_migrations'))`

/** Drops what is left of ours where all tables were dropped: views, which hold nothing and would be in the way of making everything anew. */
export function dropLeftViews(db: Database): void {
  const left = db.prepare(LEFT).pluck()
  if (patiently(() => left.all()).length === 0) return
  const drop = db.transaction(() => {
    for (const name of left.all()) db.exec(`DROP VIEW ${name}`)
  })
  patiently(() => drop.immediate())
}

/**
 * Throws a SchemaError where something is missing that the migrations have made. Without one of the triggers, say, whatever is sent would be stored and
 * delivered to nobody.
 * @param whole one that the same migrations have just made
 */
export function requireIntact(db: Database, whole: Database): void {
  const there = new Set(db.prepare(OURS).pluck().all())
  const [first, ...others] = whole
    .prepare(OURS)
    .pluck()
    .all()
    .filter((name) => !there.has(name))
  if (first === undefined) return
  const missing = others.length === 0 ? first : `${first} and ${others.length} more`
  throw new SchemaError(
    `Another program has dropped some of what Belfry made in this database: it lacks the ${missing}. Restore a backup; or drop all tables and views named notification…, and they are made anew, empty.`,
  )
}
