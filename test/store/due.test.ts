import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { Store } from '../../src/notifications/store/store.js'
import { draft, Eyes } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

const THOUSANDS = Array.from({ length: 5000 }, (_, n) => `u${n}`)

/** The users of each commit that somebody who watches hears of. */
function heardBy(store: Store): string[][] {
  const heard: string[][] = []
  store.watch((changed) => heard.push(changed.map((audience) => audience.slice('user:'.length))))
  return heard
}

async function tickAll(store: Store, now = Date.now()): Promise<void> {
  for (let next: number | null = now; next !== null && next <= now; ) next = await store.tick(now)
}

test('thousands who are named get it in one commit, all of them, whether now or when it was planned for', async () => {
  await using subject = new SqliteSubject()
  const publishAt = Date.now() + 60_000
  await subject.store.insert(draft({ users: THOUSANDS }, 'planned', { publishAt }))
  const heard = heardBy(subject.store)
  await subject.store.insert(draft({ users: THOUSANDS }, 'now'))
  await tickAll(subject.store, publishAt)
  assert.deepEqual(
    heard.map((users) => users.sort()),
    [[...THOUSANDS].sort(), [...THOUSANDS].sort()],
  )
  assert.deepEqual(await new Eyes(subject).titles('u4999'), ['planned', 'now'])
})

test('nothing is planned any more for those who are named once they have it', async () => {
  await using subject = new SqliteSubject()
  await subject.store.insert(draft({ users: ['ada', 'bob'] }, 'now', { publishAt: Date.now() - 1000 }))
  assert.equal(await subject.store.tick(0), null)
  for (const user of ['ada', 'bob']) assert.equal(await new Eyes(subject).unread(user), 1)
})

test('what expires in the moment in which several get it is gone from their inboxes at the next look at the clock', async (t) => {
  await using subject = new SqliteSubject()
  const now = Date.now()
  // The clock of the database is ahead of ours by as long as storing takes, here by a minute.
  t.mock.method(Date, 'now', () => now - 60_000)
  await subject.store.insert(draft({ users: ['ada', 'bob'] }, 'short', { expiresAt: now - 30_000 }))
  t.mock.restoreAll()
  await tickAll(subject.store)
  for (const user of ['ada', 'bob']) assert.equal(await new Eyes(subject).unread(user), 0)
})

test('in a transaction of the host thousands get it with its commit, or nobody does', async () => {
  const hosts: Sqlite.Database[] = []
  await using subject = new SqliteSubject((path) => {
    const db = new Sqlite(path)
    hosts.push(db)
    return db
  })
  const [host] = hosts
  const eyes = new Eyes(subject)
  for (const end of ['ROLLBACK', 'COMMIT']) {
    host?.exec('BEGIN')
    const inserted = subject.store.insert(draft({ users: THOUSANDS }, 'many'))
    host?.exec(end)
    await inserted
    for (const user of ['u0', 'u4999']) assert.equal(await eyes.unread(user), end === 'COMMIT' ? 1 : 0)
  }
  host?.close()
})

test('what another process names of one that is still to be published comes with the others, once', async () => {
  await using subject = new SqliteSubject()
  const publishAt = Date.now() + 60_000
  await subject.store.insert(draft({ users: ['ada', 'bob'] }, 'later', { publishAt }))
  await subject.foreign(
    `INSERT INTO notification_recipients SELECT seq, 'cy' FROM notifications; INSERT INTO notification_recipients SELECT seq, '' FROM notifications`,
  )
  await tickAll(subject.store, publishAt)
  for (const user of ['ada', 'bob', 'cy']) assert.equal(await new Eyes(subject).unread(user), 1)
  const db = new Sqlite(subject.path)
  assert.equal(db.prepare('SELECT count(*) FROM notification_deliveries').pluck().get(), 3)
  db.close()
})

test('each of ten thousand that are due at the same moment costs what each of a hundred does', { timeout: 120_000 }, async () => {
  const each = async (count: number) => {
    await using subject = new SqliteSubject()
    const publishAt = Date.now() + 60_000
    await Promise.all(Array.from({ length: count }, (_, n) => subject.store.insert(draft({ user: `u${n}` }, 'planned', { publishAt }))))
    const before = process.cpuUsage()
    await tickAll(subject.store, publishAt)
    const { user, system } = process.cpuUsage(before)
    assert.equal(await new Eyes(subject).unread(`u${count - 1}`), 1)
    return (user + system) / count
  }
  await each(100)
  const [few, many] = [await each(100), await each(10_000)]
  assert.ok(many < 2 * few + 20, `${many} µs each instead of ${few}`)
})
