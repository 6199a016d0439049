import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { open } from '../../src/notifications/store/open.js'
import { Eyes } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

/** 1 to so many, as n(i). */
const numbers = (count: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`

test('however many have read a broadcast, each is counted and listed once, the newest first', async () => {
  await using subject = new SqliteSubject()
  await new Eyes(subject).send('everyone', 'earlier')
  const id = (await new Eyes(subject).send('everyone', 'read by many')).notification.id
  const db = new Sqlite(subject.path, { timeout: 10_000 })
  const many = numbers(36_000)
  db.exec(`${many} INSERT INTO notification_watermarks (user_id, position, at) SELECT 'u' || i, 2, i FROM n WHERE i % 2 = 0`)
  db.exec(`${many} INSERT INTO notification_receipts (user_id, position, read_at) SELECT 'u' || i, 2, i FROM n WHERE i % 3 = 0`)
  db.exec(`${many} INSERT INTO notification_receipts (user_id, position) SELECT 'u' || i, 2 FROM n WHERE i % 12 = 2`)
  db.exec(`${numbers(50)} INSERT INTO notification_watermarks (user_id, position, at) SELECT 'of the earlier one ' || i, 1, i FROM n`)
  db.close()
  const read = 18_000 + 6000 - 3000
  assert.equal((await subject.store.report(id, []))?.read, read)
  assert.equal((await subject.store.report(id, ['u2', 'u3', 'u4', 'u5']))?.read, read - 2)
  const readers = await subject.store.readers(id, { limit: 40_000, except: [] })
  assert.equal(new Set(readers?.map(({ user }) => user)).size, read)
  assert.deepEqual(await subject.store.readers(id, { limit: 3, except: ['u35999'] }), [
    { user: 'u36000', readAt: 36000 },
    { user: 'u35998', readAt: 35998 },
    { user: 'u35997', readAt: 35997 },
  ])
})

test('of a topic and of those who are named, each who has read it is counted once, too', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`${numbers(7000)} INSERT INTO notification_memberships (user_id, audience) SELECT 'u' || i, 'topic:a' FROM n`)
  const topic = (await eyes.send({ topic: 'a' }, 'read by many')).notification.id
  const users = Array.from({ length: 2500 }, (_, n) => `u${n}`)
  const named = (await eyes.send({ users }, 'read by many')).notification.id
  await subject.foreign(`
    ${numbers(7000)} INSERT INTO notification_watermarks (user_id, position, at) SELECT 'u' || i, (SELECT max(position) FROM notification_deliveries), 1 FROM n WHERE i % 2 = 0;
    INSERT INTO notification_watermarks (user_id, position, at) VALUES ('stranger', 9999, 1)`)
  assert.equal((await subject.store.report(topic, []))?.read, 3500)
  assert.equal((await subject.store.report(topic, ['u2', 'u3']))?.read, 3499)
  assert.equal((await subject.store.report(named, []))?.read, 1249)
  assert.equal((await subject.store.report(named, ['u2', 'u3']))?.read, 1248)
})

test('while those are counted who have read something, the event loop goes on', async () => {
  await using subject = new SqliteSubject()
  const id = (await new Eyes(subject).send('everyone', 'read by many')).notification.id
  await subject.foreign(`${numbers(20_000)} INSERT INTO notification_receipts (user_id, position, read_at) SELECT 'u' || i, 1, i FROM n`)
  let counting = true
  let turns = 0
  const turn = () => {
    turns++
    if (counting) setImmediate(turn)
  }
  turn()
  assert.equal((await subject.store.report(id, []))?.read, 20_000)
  counting = false
  assert.ok(turns > 6, `${turns} turns`)
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
