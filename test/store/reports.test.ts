import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { open } from '../../src/notifications/store/open.js'
import { Eyes } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

test('however many have read a broadcast, each is counted and listed once, the newest first', async () => {
  await using subject = new SqliteSubject()
  const id = (await new Eyes(subject).send('everyone', 'read by many')).notification.id
  const db = new Sqlite(subject.path, { timeout: 10_000 })
  const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)'
  db.exec(`${many} INSERT INTO notification_watermarks (user_id, position, at) SELECT 'u' || i, 1, i FROM n WHERE i % 2 = 0`)
  db.exec(`${many} INSERT INTO notification_receipts (user_id, position, read_at) SELECT 'u' || i, 1, i FROM n WHERE i % 3 = 0`)
  db.exec(`${many} INSERT INTO notification_receipts (user_id, position) SELECT 'u' || i, 1 FROM n WHERE i % 12 = 2`)
  db.close()
  const read = 6000 + 2000 - 1000
  assert.equal((await subject.store.report(id, []))?.read, read)
  assert.equal((await subject.store.report(id, ['u2', 'u3', 'u4', 'u5']))?.read, read - 2)
  const readers = await subject.store.readers(id, { limit: 20_000, except: [] })
  assert.equal(new Set(readers.map(({ user }) => user)).size, read)
  assert.deepEqual(await subject.store.readers(id, { limit: 3, except: ['u11999'] }), [
    { user: 'u12000', readAt: 12000 },
    { user: 'u11998', readAt: 11998 },
    { user: 'u11997', readAt: 11997 },
  ])
})

test('every connection syncs the disk at each commit, on every open', async () => {
  await using subject = new SqliteSubject()
  await new Eyes(subject).send('everyone', 'something in the log')
  for (let opened = 0; opened < 2; opened++) {
    const { db } = open(subject.path)
    db.exec(`INSERT INTO notifications (audience, title) VALUES ('user:7', 'x')`)
    assert.equal(db.pragma('synchronous', { simple: true }), 2)
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
    db.close()
  }
})
