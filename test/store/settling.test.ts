import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { Eyes, PAGE, person } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

/** Who read one by one, and how it stands. */
class Diligent extends Eyes implements AsyncDisposable {
  readonly subject: SqliteSubject

  constructor(subject = new SqliteSubject()) {
    super(subject)
    this.subject = subject
  }

  /** As somebody else's program would write them. */
  fill(audience: string, count: number): void {
    this.#write((db) =>
      db
        .prepare(`
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
          INSERT INTO notifications (id, audience, title) SELECT ? || '-' || i, ?, 'x' FROM n`)
        .run(count, audience, audience),
    )
  }

  async ids(filter: 'all' | 'unread' = 'all'): Promise<string[]> {
    const { rows } = await this.store.list('ada', { ...PAGE, filter, limit: 10_000 })
    return rows.map(({ id }) => id)
  }

  /** Up to where the inbox of ada is settled. */
  get settled(): number {
    return this.#write((db) => db.prepare(`SELECT settled FROM notification_users WHERE user_id = 'ada'`).pluck().get() as number)
  }

  #write<T>(act: (db: Sqlite.Database) => T): T {
    const db = new Sqlite(this.subject.path, { timeout: 10_000 })
    try {
      return act(db)
    } finally {
      db.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.subject[Symbol.asyncDispose]()
  }
}

/** Rising, and the same at each run. */
const isLeft = (n: number) => n % 13 === 5 || (n > 300 && n < 350)

test('whatever is read one by one and in whatever order, what is left is exactly what is unread', { timeout: 60_000 }, async () => {
  await using ada = new Diligent()
  await ada.store.remember(person('ada', ['a']))
  for (let round = 0; round < 5; round++) {
    ada.fill('user:ada', 60)
    ada.fill('everyone', 90)
    ada.fill('topic:a', 10)
    await ada.subject.foreign(`UPDATE notifications SET id = 'r${round}-' || id WHERE id NOT LIKE 'r%'`)
  }
  const all = (await ada.ids()).toReversed()
  const left = new Set(all.filter((_, n) => isLeft(n)))
  // By sevens, so that each time some below are still unread.
  for (let first = 0; first < 7; first++) {
    const portion = all.filter((id, n) => n % 7 === first && !left.has(id))
    for (let from = 0; from < portion.length; from += 5)
      await ada.store.mark('ada', portion.slice(from, from + 5), from % 2 === 0 ? 'read' : 'archive', 1)
    const expected = all.filter((id, n) => left.has(id) || n % 7 > first)
    assert.equal(await ada.unread('ada'), expected.length)
    assert.deepEqual((await ada.ids('unread')).toReversed(), expected)
  }
  assert.ok(ada.settled > 0, 'nothing was settled')
  await ada.store.mark('ada', [...left], 'read', 2)
  assert.equal(await ada.unread('ada'), 0)
  assert.deepEqual(await ada.ids('unread'), [])
})

test('what one stream has beyond the reach of a look is not taken for read because another stream goes on', async () => {
  await using ada = new Diligent()
  ada.fill('everyone', 300)
  ada.fill('user:ada', 60)
  const read = (await ada.ids()).filter((id) => id !== 'everyone-250')
  await ada.store.mark('ada', read, 'read', 1)
  assert.ok(ada.settled > 0, 'nothing was settled')
  assert.equal(await ada.unread('ada'), 1)
  assert.deepEqual(await ada.ids('unread'), ['everyone-250'])
})

test('who comes into a topic later finds its older messages unread, though all others were read', async () => {
  await using ada = new Diligent()
  ada.fill('topic:late', 3)
  ada.fill('everyone', 100)
  await ada.store.mark('ada', await ada.ids(), 'read', 1)
  assert.ok(ada.settled > 0, 'nothing was settled')
  await ada.store.remember(person('ada', ['late']))
  assert.equal(await ada.unread('ada'), 3)
  assert.deepEqual(await ada.ids('unread'), ['topic:late-3', 'topic:late-2', 'topic:late-1'])
})

test('what was read as the last of many is told as read to whoever asks for the latest', async () => {
  await using ada = new Diligent()
  ada.fill('everyone', 100)
  const all = await ada.ids()
  await ada.store.mark('ada', all, 'read', 1)
  assert.equal(ada.settled, 100)
  const [sight] = await ada.store.look([{ user: 'ada', seen: 0 }])
  assert.deepEqual([sight?.latest?.id, sight?.latest?.state], [all[0], 'read'])
})

test('one that was passed over can be read, be marked as unread again, and goes with all others', async () => {
  await using ada = new Diligent()
  ada.fill('everyone', 100)
  const all = await ada.ids()
  const left = all[60] ?? ''
  await ada.store.mark(
    'ada',
    all.filter((id) => id !== left),
    'read',
    1,
  )
  assert.equal(ada.settled, 100)
  assert.deepEqual(await ada.ids('unread'), [left])
  for (const [mark, unread] of [
    ['read', 0],
    ['unread', 1],
    ['archive', 0],
    ['unarchive', 0],
    ['unread', 1],
  ] as const) {
    await ada.store.mark('ada', [left], mark, 2)
    assert.equal(await ada.unread('ada'), unread, mark)
  }
  await ada.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 3)
  assert.equal(await ada.unread('ada'), 0)
  assert.deepEqual(await ada.ids('unread'), [])
})

test('where a receipt is lost, what it was about is unread again', async () => {
  await using ada = new Diligent()
  ada.fill('everyone', 100)
  await ada.store.mark('ada', await ada.ids(), 'read', 1)
  await ada.subject.foreign(`DELETE FROM notification_receipts WHERE user_id = 'ada' AND position = 40`)
  assert.equal(await ada.unread('ada'), 1)
  assert.deepEqual(await ada.ids('unread'), ['everyone-40'])
})

test('where the mark of having read all is taken back by hand, all of it is unread again, but for what was read one by one', async () => {
  await using ada = new Diligent()
  ada.fill('user:ada', 30)
  ada.fill('everyone', 170)
  await ada.store.markAllAsRead('ada', 100, 1)
  await ada.store.mark('ada', (await ada.ids()).slice(0, 100), 'read', 2)
  assert.ok(ada.settled > 100, 'nothing was settled')
  await ada.subject.foreign('DELETE FROM notification_watermarks')
  assert.equal(await ada.unread('ada'), 100)
  assert.equal((await ada.ids('unread')).length, 100)
})
