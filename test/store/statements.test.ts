import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite, { type Database } from 'better-sqlite3'
import { preparing } from '../../src/notifications/store/statements.js'
import { openStore, temporaryFolder } from './subject.js'

/** Processor time of the quickest of several runs, in microseconds. */
function cost(action: (n: number) => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < 200; n++) action(n)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 200)
  }
  return best
}

async function tables(folder: string): Promise<Database> {
  const path = join(folder, 'test.db')
  await openStore(path).close()
  const db = new Sqlite(path)
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO notifications (audience, title) SELECT 'user:' || i, 'x' FROM n`)
  return db
}

test('what is bound anew is not compiled anew: not where it limits, nor where tables are joined or rows sorted', async () => {
  const folder = temporaryFolder()
  const db = await tables(folder)
  const prepare = preparing(db)
  // So that none of them has to look for locks.
  db.exec('BEGIN')
  const slow: string[] = []
  for (const sql of [
    'SELECT position FROM notification_deliveries WHERE position > 0 LIMIT ?',
    'SELECT n.state FROM notification_deliveries d JOIN notification_facts n ON n.seq = d.notification WHERE d.position = ?',
    'SELECT position FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL ORDER BY position DESC LIMIT 3',
  ]) {
    const statement = prepare(sql)
    const [bound, compiled] = [cost((n) => statement.get(1 + (n % 3))), cost(() => prepare(sql))]
    if (bound > compiled / 2) slow.push(`${sql} takes ${bound} µs bound, and ${compiled} compiled`)
  }
  assert.deepEqual(slow, [])
  db.close()
  rmSync(folder, { recursive: true })
})

test('a parameter comes as it was bound, by its place and by its name, more than once', () => {
  const prepare = preparing(new Sqlite(':memory:').defaultSafeIntegers(true))
  for (const value of ['text', '', '7', 7, -1, 0.5, null, Number.MAX_SAFE_INTEGER]) {
    assert.deepEqual(prepare('SELECT ? AS one, typeof(?) = typeof(?) AS same').get(value, value, value), { one: value, same: 1 })
    assert.deepEqual(prepare('SELECT @value AS one, @value IS @value AS same').get({ value }), { one: value, same: 1 })
  }
  const bytes = Buffer.from([0, 255])
  assert.deepEqual(prepare('SELECT ?').pluck().get(bytes), bytes)
})
