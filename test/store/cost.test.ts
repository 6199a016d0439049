import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Sqlite from 'better-sqlite3'
import type { Store } from '../../src/notifications/store/store.js'
import { draft, PAGE, person } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { openStore, SqliteSubject } from './subject.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use when all that can be given back was given back. */
function used(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** The processor time of the quickest of several runs, in microseconds: what a busy machine adds is left out. */
async function cost(action: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < 10; n++) await action()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 10)
  }
  return best
}

/** As many notifications as asked for, to one user, written by somebody else. */
function fill(path: string, user: string, count: number): void {
  const db = new Sqlite(path, { timeout: 10_000 })
  db.prepare(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO notifications (id, audience, title) SELECT ? || i, 'user:' || ?, 'x' FROM n`).run(count, user, user)
  db.close()
}

/** All but one, from the oldest on, a hundred at a time. */
async function readOneByOne(store: Store, user: string, left: string): Promise<void> {
  for (let after = 0; ; ) {
    const { rows, more } = await store.list(user, { ...PAGE, after, limit: 100 })
    const ids = rows.map(({ id }) => id).filter((id) => id !== left)
    await store.mark(user, ids, 'read', 1)
    after = rows.at(-1)?.position ?? after
    if (!more) return
  }
}

/** Messages to everyone, each of which users u1, u2 and so on have read, one by one. */
function fillWithReceipts(path: string, users: number, messages: number): void {
  const db = new Sqlite(path, { timeout: 10_000 })
  db.pragma('synchronous = OFF')
  const numbers = (count: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  db.exec(`
    ${numbers(messages)} INSERT INTO notifications (audience, title) SELECT 'everyone', 'x' FROM n;
    ${numbers(users)} INSERT INTO notification_receipts (user_id, position, read_at) SELECT 'u' || i, position, 1 FROM n, notification_deliveries`)
  db.close()
}

test('an inbox of thirty thousand costs no more to look at than one of thirty', { timeout: 120_000 }, async () => {
  await using little = new SqliteSubject()
  await using much = new SqliteSubject()
  fill(little.path, 'ada', 30)
  fill(much.path, 'ada', 30_000)
  const [oldest] = (await much.store.list('ada', { ...PAGE, after: 0, limit: 1 })).rows
  for (const read of ['not at all', 'one by one, but for the oldest', 'all together']) {
    for (const { store } of [little, much]) {
      if (read.startsWith('one')) await readOneByOne(store, 'ada', oldest?.id ?? '')
      if (read.startsWith('all')) await store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 1)
    }
    for (const [what, look] of [
      ['the count', (store: Store) => store.snapshot('ada')],
      ['a page', (store: Store) => store.list('ada', PAGE)],
      ['a page of what is unread', (store: Store) => store.list('ada', { ...PAGE, filter: 'unread' })],
      ['a page of what is archived', (store: Store) => store.list('ada', { ...PAGE, filter: 'archived' })],
      ['one notification', (store: Store, count: number) => store.find('ada', `ada${count}`)],
      ['the latest', (store: Store) => store.look([{ user: 'ada', seen: 0 }])],
      ['the list of what was sent', (store: Store) => store.sent({ before: null, limit: 25, except: [] })],
    ] as const) {
      const [small, large] = [await cost(() => look(little.store, 30)), await cost(() => look(much.store, 30_000))]
      assert.ok(large < 5 * small + 200, `${what} costs ${large} µs instead of ${small}, read ${read}`)
    }
  }
})

test('marking all as read costs the same for thirty thousand as for thirty', { timeout: 120_000 }, async () => {
  await using subject = new SqliteSubject()
  fill(subject.path, 'large', 30_000)
  const db = new Sqlite(subject.path)
  db.pragma('wal_checkpoint(TRUNCATE)')
  await subject.store.markAllAsRead('large', Number.MAX_SAFE_INTEGER, 1)
  const pages = db.pragma('wal_checkpoint(PASSIVE)') as { log: number }[]
  db.close()
  assert.ok((pages[0]?.log ?? 0) < 20, `${pages[0]?.log} pages were written`)
  assert.equal((await subject.store.snapshot('large')).unread, 0)
})

test('writing to everyone writes the same for ten known users and for a hundred thousand', { timeout: 120_000 }, async () => {
  await using subject = new SqliteSubject()
  const db = new Sqlite(subject.path)
  const written = async (known: number) => {
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notification_users (user_id) SELECT 'u' || i FROM n WHERE true ON CONFLICT DO NOTHING`).run(known)
    db.pragma('wal_checkpoint(TRUNCATE)')
    await subject.store.insert({ ...EVERYONE })
    const [state] = db.pragma('wal_checkpoint(PASSIVE)') as { log: number }[]
    return state?.log ?? 0
  }
  const [few, many] = [await written(10), await written(100_000)]
  db.close()
  assert.ok(many <= few + 3, `${many} pages instead of ${few}`)
  assert.equal((await subject.store.snapshot('u77777')).unread, 2)
})

test('a message to a hundred people by name costs little more where each has a thousand others than where each has ten', {
  timeout: 120_000,
}, async () => {
  await using little = new SqliteSubject()
  await using much = new SqliteSubject()
  const users = Array.from({ length: 100 }, (_, n) => `u${n}-`)
  for (const user of users) {
    fill(little.path, user, 10)
    fill(much.path, user, 1000)
  }
  const [small, large] = [await cost(() => little.store.insert(draft({ users }, 'x'))), await cost(() => much.store.insert(draft({ users }, 'x')))]
  assert.ok(large < 3 * small, `${large} µs instead of ${small}`)
})

test('counting each of two hundred thousand who have read something costs what it does for each of ten thousand', { timeout: 120_000 }, async () => {
  const each = async (count: number) => {
    await using subject = new SqliteSubject()
    const { notification } = await subject.store.insert({ ...EVERYONE })
    const db = new Sqlite(subject.path)
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notification_users (user_id, watermark) SELECT 'u' || i, 1 FROM n`).run(count)
    db.close()
    const before = process.cpuUsage()
    assert.equal((await subject.store.report(notification.id, []))?.read, count)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / count
  }
  await each(10_000)
  const [few, many] = [await each(10_000), await each(200_000)]
  assert.ok(many < 3 * few, `${many} µs each instead of ${few}`)
})

test('forgetting each of three hundred thousand changes that somebody else made costs what it does for each of forty thousand', {
  timeout: 120_000,
}, async () => {
  const each = async (changes: number) => {
    await using subject = new SqliteSubject()
    const db = new Sqlite(subject.path)
    const left = () => db.prepare('SELECT count(*) FROM notification_changes').pluck().get() as number
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notification_changes (audience) SELECT 'user:u' FROM n`).run(changes)
    const before = process.cpuUsage()
    await subject.store.insert({ ...EVERYONE })
    await eventually(() => left() < 20_002, 'what nobody needs is gone', 60_000)
    const { user, system } = process.cpuUsage(before)
    db.close()
    return (user + system) / changes
  }
  await each(40_000)
  const [few, many] = [await each(40_000), await each(300_000)]
  assert.ok(many < 3 * few, `${many} µs each instead of ${few}`)
})

test('telling of a message costs the same for people who have read ten others one by one and for those who have read a thousand', {
  timeout: 120_000,
}, async () => {
  const telling = async (read: number) => {
    await using subject = new SqliteSubject()
    fillWithReceipts(subject.path, 50, read)
    const all = Array.from({ length: 50 }, (_, n) => ({ user: `u${n + 1}`, seen: Number.MAX_SAFE_INTEGER }))
    await subject.store.look(all)
    let best = Number.POSITIVE_INFINITY
    for (let round = 1; round <= 10; round++) {
      await subject.store.insert({ ...EVERYONE })
      const before = process.cpuUsage()
      const sights = await subject.store.look(all)
      const { user, system } = process.cpuUsage(before)
      best = Math.min(best, user + system)
      assert.ok(sights.every(({ snapshot }) => snapshot.unread === round))
    }
    return best
  }
  const [few, many] = [await telling(10), await telling(1000)]
  assert.ok(many < 5 * few + 1000, `${many} µs for 50 of them instead of ${few}`)
})

test('looking at people in many topics, after a start, costs the same whether ten messages went to each or a thousand, which all have read', {
  timeout: 120_000,
}, async () => {
  const looking = async (messages: number) => {
    await using subject = new SqliteSubject()
    const asked = Array.from({ length: 32 }, (_, n) => ({ user: `u${n}`, seen: Number.MAX_SAFE_INTEGER }))
    for (const [n, { user }] of asked.entries()) {
      const names = Array.from({ length: 10 }, (_, m) => `t${(10 * n + m) % 100}`)
      await subject.store.remember(person(user, names))
    }
    const db = new Sqlite(subject.path)
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notifications (audience, title) SELECT 'topic:t' || (i % 100), 'x' FROM n`).run(100 * messages)
    db.close()
    for (const { user } of asked) await subject.store.markAllAsRead(user, Number.MAX_SAFE_INTEGER, 1)
    await using again = { store: openStore(subject.path), [Symbol.asyncDispose]: () => again.store.close() }
    const before = process.cpuUsage()
    const sights = await again.store.look(asked)
    const { user, system } = process.cpuUsage(before)
    assert.ok(sights.every(({ snapshot }) => snapshot.unread === 0))
    return user + system
  }
  await looking(10)
  const [few, many] = [await looking(10), await looking(1000)]
  assert.ok(many < 3 * few + 3000, `${many} µs for 32 of them instead of ${few}`)
})

test('marking a hundred costs little more for somebody in three hundred topics than for somebody in one', { timeout: 120_000 }, async () => {
  const marking = async (topics: number) => {
    await using subject = new SqliteSubject()
    const names = Array.from({ length: topics }, (_, n) => `t${n}`)
    await subject.store.remember(person('ada', names))
    const db = new Sqlite(subject.path)
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
      INSERT INTO notifications (id, audience, title) SELECT 'n' || i, 'topic:' || ?, 'x' FROM n`).run(names.at(-1))
    db.close()
    const ids = Array.from({ length: 100 }, (_, n) => `n${n + 1}`)
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 10; round++) {
      const before = process.cpuUsage()
      await subject.store.mark('ada', ids, round % 2 === 0 ? 'read' : 'unread', 1)
      const { user, system } = process.cpuUsage(before)
      best = Math.min(best, user + system)
    }
    return best
  }
  const [few, many] = [await marking(1), await marking(300)]
  assert.ok(many < 3 * few + 5000, `${many} µs instead of ${few}`)
})

test('what is kept of people who read hundreds of broadcasts one by one is little', { timeout: 120_000 }, async () => {
  await using subject = new SqliteSubject()
  fillWithReceipts(subject.path, 300, 300)
  await subject.store.snapshot('u1')
  const before = used()
  for (let n = 2; n <= 300; n++) assert.equal((await subject.store.snapshot(`u${n}`)).unread, 0)
  const each = (used() - before) / 299
  assert.ok(each < 3000, `${Math.round(each)} bytes each`)
})

const EVERYONE = {
  to: 'everyone',
  title: 'x',
  body: null,
  url: null,
  level: 'info',
  category: null,
  data: null,
  publishAt: null,
  expiresAt: null,
  idempotencyKey: null,
  sender: null,
  contentHash: null,
} as const
