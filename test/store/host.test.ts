import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import Sqlite, { type Database } from 'better-sqlite3'
import type { Inserted } from '../../src/notifications/store/store.js'
import { draft, Eyes, PAGE } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { openStore, SqliteSubject } from './subject.js'

/** A store on an open handle of a host's, with a table of the host's. */
class HostSubject extends SqliteSubject {
  readonly host: Database
  readonly heard: string[] = []

  constructor() {
    let host: Database | undefined
    super((path) => {
      host = new Sqlite(path)
      host.exec('CREATE TABLE posts (title TEXT)')
      return host
    })
    if (host === undefined) throw new Error('The handle was not opened.')
    this.host = host
    this.store.watch((changed) => this.heard.push(...changed))
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    assert.ok(this.host.open, "the host's handle stays open")
    this.host.close()
  }
}

const hi = draft({ user: 'ada' }, 'hi')

test("inside the host's transaction the row is there before the promise is, and the push follows the commit", async () => {
  await using subject = new HostSubject()
  const { store, host, heard } = subject
  const promises: Promise<Inserted>[] = []
  host.transaction(() => {
    host.exec(`INSERT INTO posts VALUES ('p')`)
    promises.push(store.insert(hi))
    assert.equal(host.prepare('SELECT count(*) FROM notifications').pluck().get(), 1)
  })()
  assert.equal((await promises[0])?.replayed, false)
  await eventually(() => heard.includes('user:ada'), 'the push followed')
  assert.equal(await new Eyes(subject).unread('ada'), 1)
})

test('what the host rolls back was never stored, never pushed, and rejects nothing', async () => {
  await using subject = new HostSubject()
  const { store, host, heard } = subject
  let promise: Promise<unknown> | undefined
  assert.throws(
    host.transaction(() => {
      promise = store.insert(hi)
      throw new Error('the host changed its mind')
    }),
  )
  await promise
  await new Eyes(subject).send({ user: 'bob' }, 'later')
  await eventually(() => heard.includes('user:bob'), 'a later push came')
  assert.deepEqual(heard, ['user:bob'])
  assert.equal(await new Eyes(subject).unread('ada'), 0)
  assert.deepEqual((await store.list('ada', PAGE)).rows, [])
})

test('a savepoint that is rolled back takes only its own with it', async () => {
  await using subject = new HostSubject()
  const { store, host } = subject
  host.transaction(() => {
    void store.insert(draft({ user: 'ada' }, 'kept'))
    host.exec('SAVEPOINT inner')
    void store.insert(draft({ user: 'ada' }, 'dropped'))
    host.exec('ROLLBACK TO inner; RELEASE inner')
    void store.insert(draft({ users: ['ada', 'bob'] }, 'kept too'))
  })()
  assert.deepEqual(await new Eyes(subject).titles('ada'), ['kept too', 'kept'])
  assert.equal(await new Eyes(subject).unread('bob'), 1)
})

test('a hand-written BEGIN that awaits in between does not hang, and nobody sees what is not committed', async () => {
  await using subject = new HostSubject()
  const { store, host, heard } = subject
  for (const end of ['ROLLBACK', 'COMMIT']) {
    host.exec('BEGIN')
    await store.insert(hi)
    // Reading a state looks for all that could be told.
    const { unread } = await store.snapshot('ada')
    assert.deepEqual([heard, unread], [[], 0])
    host.exec(end)
  }
  await eventually(() => heard.includes('user:ada'), 'the push followed the commit')
  assert.equal(await new Eyes(subject).unread('ada'), 1)
})

test("what is not the host's transaction waits for its end instead of joining it", async () => {
  await using subject = new HostSubject()
  const { store, host } = subject
  const { notification } = await store.insert(hi)
  host.exec('BEGIN IMMEDIATE')
  const marked = store.mark('ada', [notification.id], 'read', 1)
  // What is asked for in one turn of the event loop is tried at the end of it.
  await nextTurn()
  await nextTurn()
  host.exec('ROLLBACK')
  await marked
  assert.equal(await new Eyes(subject).unread('ada'), 0)
})

test('a used key in a transaction is a conflict, and the transaction goes on', async () => {
  await using subject = new HostSubject()
  const { store, host } = subject
  await store.insert(draft({ user: 'ada' }, 'one', { idempotencyKey: 'k' }))
  host.exec('BEGIN')
  await assert.rejects(store.insert(draft({ user: 'ada' }, 'two', { idempotencyKey: 'k' })), { code: 'conflict' })
  await store.insert(draft({ user: 'ada' }, 'three'))
  host.exec('COMMIT')
  assert.deepEqual(await new Eyes(subject).titles('ada'), ['three', 'one'])
})

test("the host's own settings stay as they are", async () => {
  await using subject = new HostSubject()
  const { host, store } = subject
  host.defaultSafeIntegers(true)
  host.exec('BEGIN')
  const { notification } = await store.insert(hi)
  host.exec('COMMIT')
  host.defaultSafeIntegers(false)
  assert.equal(typeof notification.createdAt, 'string')
  assert.equal(host.pragma('foreign_keys', { simple: true }), 1)
  assert.equal(host.pragma('busy_timeout', { simple: true }), 5000)
})

test("a database in memory shares the host's handle: its own writes wait, and nobody is told before the end", async () => {
  const host = new Sqlite(':memory:')
  const store = openStore(host)
  const heard: string[] = []
  store.watch((changed) => heard.push(...changed))
  host.exec('BEGIN')
  await store.insert(hi)
  const deferred = store.remember({ id: 'bob', since: 0, topics: new Map([['t', 0]]), key: 'k' })
  // Timers fire in the order of their ends: before this one the feed, which looks every 25 ms, has looked.
  await pause(60)
  assert.equal(heard.length, 0)
  host.exec('ROLLBACK')
  await deferred
  assert.equal(heard.join(), 'user:bob')
  assert.equal((await store.snapshot('ada')).unread, 0)
  host.transaction(() => void store.insert(hi))()
  await eventually(() => heard.includes('user:ada'), 'the push followed')
  await store.close()
  assert.ok(host.open)
  host.close()
})

test('a handle that was opened by a relative path is of the file that it was then, wherever the process has gone since', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-relative-'))
  const before = process.cwd()
  process.chdir(folder)
  const host = new Sqlite('app.db')
  process.chdir(before)
  try {
    const store = openStore(host)
    await store.insert(hi)
    assert.equal(host.prepare('SELECT count(*) FROM notifications').pluck().get(), 1)
    await store.close()
  } finally {
    host.close()
    rmSync(folder, { recursive: true })
  }
})
