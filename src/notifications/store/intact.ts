import type { Database } from 'better-sqlite3'
import { SchemaError } from '../errors.js'
import { patiently } from './migrate.js'

/** In the order of what is missed most: a trigger goes with its table. */
const OURS = `
  SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'
  ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'view' THEN 2 WHEN 'trigger' THEN 3 ELSE 4 END, name`

const VIEWS = `SELECT name, sql FROM sqlite_master WHERE type = 'view'`

/** Tools that empty a database drop all of its tables, and leave its views. */
const LEFT = `${VIEWS} AND name GLOB 'notification_*'
  AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name IN ('notifications', 'notification_migrations'))`

interface View {
  readonly name: string
  readonly sql: string
}

/**
 * Where all of our tables were dropped, drops our views, too: they hold nothing, and would be in the way of making everything anew. Views of others stay,
 * whatever they are called.
 * @param make makes a database by the same migrations, which is closed here
 */
export function dropLeftViews(db: Database, make: () => Database): void {
  const left = () => db.prepare(LEFT).all() as View[]
  if (patiently(left).length === 0) return
  const whole = make()
  const ours = new Map((whole.prepare(VIEWS).all() as View[]).map(({ name, sql }) => [name, sql]))
  whole.close()
  const drop = db.transaction(() => {
    // Asked again: another process that starts at the same time may have made everything anew.
    for (const { name, sql } of left()) if (ours.get(name) === sql) db.exec(`DROP VIEW IF EXISTS ${name}`)
  })
  patiently(() => drop.immediate())
}

/**
 * Throws a SchemaError where something is missing that the migrations have made. Without one of the triggers, say, whatever is sent would be stored and
 * delivered to nobody.
 * @param make as above
 */
export function requireIntact(db: Database, make: () => Database): void {
  const there = new Set(db.prepare(OURS).pluck().all())
  const whole = make()
  const made = whole.prepare(OURS).pluck().all()
  whole.close()
  const [first, ...others] = made.filter((name) => !there.has(name))
  if (first === undefined) return
  const missing = others.length === 0 ? first : `${first} and ${others.length} more`
  throw new SchemaError(
    `Another program has dropped some of what Belfry made in this database: it lacks the ${missing}. Restore a backup; or drop all tables and views named notification…, and they are made anew, empty.`,
  )
}
