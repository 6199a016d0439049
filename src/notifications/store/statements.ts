import type { Database, Statement } from 'better-sqlite3'

/**
 * Prepares our statements on a handle, which may be the host's: numbers come as numbers, whatever its default.
 *
 * Each parameter stands behind a plus, which changes no value. SQLite takes a bare one for a hint to its planner in some places (a LIMIT;
 * from 3.54 on also where tables are joined or rows sorted), and then compiles the statement anew each time that it is bound: ten times the cost.
 */
export function preparing(db: Database): (sql: string) => Statement {
  return (sql) => db.prepare(sql.replace(/\?|@\w+/g, '+$&')).safeIntegers(false)
}
