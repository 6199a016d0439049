import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite, { type Database } from 'better-sqlite3'
import { retentionContract } from '../contracts/retention.js'
import { draft, Eyes, PAGE, person } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

const ALWAYS = Number.MAX_SAFE_INTEGER

retentionContract('SQLite', async () => new SqliteSubject())

/** All that is stored about notifications, as text. */
function dump(db: Database): string {
  const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'notification*'`).pluck().all() as string[]
  return JSON.stringify(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all()))
}

test('however far apart another process has numbered its rows, keeping and forgetting takes no longer', { timeout: 60_000 }, async () => {
  await using subject = new SqliteSubject()
  const { store } = subject
  const eyes = new Eyes(subject)
  const other = new Sqlite(subject.path)
  const numbers = [1, 600, Date.now(), 2 ** 52]
  for (const seq of numbers) other.prepare(`INSERT INTO notifications (seq, audience, title) VALUES (?, 'user:ada', ?)`).run(seq, `${seq}`)
  other.exec(`
    INSERT INTO notifications (seq, audience, title) VALUES (9000, 'users', 'both'), (9001, 'everyone', 'all'), (5000000, 'user:ada', 'replaced');
    INSERT INTO notification_recipients VALUES (9000, 'ada'), (9000, 'bob'), (6000000, 'ada');
    REPLACE INTO notifications (id, seq, audience, title) SELECT id, 7000000, 'everyone', 'replacement' FROM notifications WHERE seq = 5000000`)
  const known = (await store.exportUser('ada')).notifications.map(({ title }) => title)
  assert.deepEqual(known.toSorted(), [...numbers.map(String), 'both'].toSorted())
  await store.eraseUser('ada')
  assert.doesNotMatch(dump(other), /\bada\b/)
  assert.deepEqual(
    [await eyes.titles('ada'), await eyes.titles('bob')],
    [
      ['replacement', 'all'],
      ['replacement', 'both', 'all'],
    ],
  )
  assert.deepEqual(await store.prune({ readBefore: ALWAYS, unreadBefore: ALWAYS }), { removed: 3, deleted: 3 })
  other.close()
})

test('what left all inboxes as old is deleted although it was to expire later, so that no other process brings it back by changing every row', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  for (const to of ['everyone', { user: 'ada' }, { users: ['ada', 'bob'] }] as const)
    await eyes.send(to, 'old', { expiresAt: Date.now() + 3_600_000 })
  await eyes.send('everyone', 'later', { publishAt: Date.now() + 60_000, expiresAt: Date.now() + 3_600_000 })
  assert.deepEqual(await subject.store.prune({ readBefore: ALWAYS, unreadBefore: ALWAYS }), { removed: 4, deleted: 3 })
  await subject.foreign(`UPDATE notifications SET url = 'https://elsewhere.example/'`)
  assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [0, 0])
  assert.deepEqual(
    (await subject.store.sent({ before: null, limit: 10, except: [] })).map(({ notification, status }) => [notification.title, status]),
    [['later', 'scheduled']],
  )
})

test('what another process has dated by a text is deleted when it is old, and what it has dated by nonsense is kept', async () => {
  await using subject = new SqliteSubject()
  await subject.foreign(`INSERT INTO notifications (audience, title, created_at) VALUES
    ('user:ada', 'old', datetime('now', '-2 days')), ('user:ada', 'new', datetime('now')), ('user:ada', 'half', 1.5), ('user:ada', 'nonsense', 'yesterday')`)
  const aDayAgo = Date.now() - 86_400_000
  assert.deepEqual(await subject.store.prune({ readBefore: aDayAgo, unreadBefore: ALWAYS }), { removed: 4, deleted: 3 })
  assert.deepEqual(
    (await subject.store.sent({ before: null, limit: 10, except: [] })).map(({ notification }) => notification.title),
    ['nonsense'],
  )
})

test('every process forgets whoever is erased, also where nothing was sent to them alone', async () => {
  await using one = new SqliteSubject()
  await using two = new SqliteSubject(() => one.path)
  await one.store.insert(draft({ topic: 't' }, 'hi'))
  await one.store.remember(person('ada', ['t']))
  for (const { store } of [one, two]) assert.equal((await store.snapshot('ada')).unread, 1)
  await one.store.eraseUser('ada')
  for (const { store } of [one, two]) assert.deepEqual(await store.snapshot('ada'), { version: 0, unread: 0, membership: '', newest: 0 })
  for (const { store } of [one, two]) assert.deepEqual((await store.list('ada', PAGE)).rows, [])
})
