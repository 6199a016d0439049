import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import session, { type SessionData } from 'express-session'
import { AppDatabase } from '../../src/app/database.js'
import { SessionStore } from '../../src/app/session.js'
import { migrateSqlite } from '../../src/notifications/index.js'

const DAY = 86_400

/** A store on a database of its own, with promises instead of callbacks, and the rows as they are in the file. */
class Bench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'belfry-sessions-'))
  readonly file = join(this.folder, 'app.db')
  readonly database = new AppDatabase(this.file)
  readonly store: SessionStore
  readonly #onlooker: Database.Database

  constructor(times = { idle: 7 * DAY, max: 30 * DAY }) {
    migrateSqlite(this.database.handle, { folder: new URL('../../migrations/app/sqlite/', import.meta.url), ledger: 'app_migrations' })
    this.database.serve()
    this.#onlooker = new Database(this.file, { readonly: true })
    this.store = new SessionStore(this.database, times)
  }

  get(id: string): Promise<SessionData | null | undefined> {
    return new Promise((resolve, reject) => this.store.get(id, (error, data) => (error ? reject(error) : resolve(data))))
  }

  set(id: string, data: SessionData): Promise<void> {
    return new Promise((resolve, reject) => this.store.set(id, data, (error) => (error ? reject(error) : resolve())))
  }

  destroy(id: string): Promise<void> {
    return new Promise((resolve, reject) => this.store.destroy(id, (error) => (error ? reject(error) : resolve())))
  }

  touch(id: string, data: SessionData): Promise<void> {
    return new Promise((resolve) => this.store.touch(id, data, resolve))
  }

  /** Changes on every commit to the file. */
  get commits(): unknown {
    return this.#onlooker.pragma('data_version', { simple: true })
  }

  rows(): unknown[] {
    return this.database.handle.prepare('SELECT id, ended_at IS NOT NULL AS ended FROM sessions ORDER BY id').all()
  }

  [Symbol.dispose](): void {
    this.store.close()
    this.#onlooker.close()
    this.database.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function signedIn(at = Date.now()): SessionData {
  const cookie = new session.Cookie()
  cookie.maxAge = 7 * DAY * 1000
  return { cookie, signedIn: { userId: 1, generation: 1, at } } as SessionData
}

describe('the session store', () => {
  it('gives back what was stored, and nothing for what was not', async () => {
    using bench = new Bench()
    await bench.set('a', signedIn())
    assert.equal((await bench.get('a'))?.signedIn?.userId, 1)
    assert.equal(await bench.get('b'), null)
  })

  it('says when a session ends: idle after the last activity, but max after the sign-in at the latest', async () => {
    using bench = new Bench({ idle: 1000, max: 1500 })
    await bench.set('new', signedIn())
    await bench.set('old', signedIn(Date.now() - 1_000_000))
    const left = async (id: string) => (new Date(String((await bench.get(id))?.cookie.expires)).getTime() - Date.now()) / 1000
    assert.ok(Math.abs((await left('new')) - 1000) < 5)
    assert.ok(Math.abs((await left('old')) - 500) < 5)
  })

  it('never brings a destroyed session back, however late a slow request saves it', async () => {
    using bench = new Bench()
    const data = signedIn()
    await bench.set('a', data)
    await bench.destroy('a')
    await bench.set('a', data)
    await bench.touch('a', data)
    assert.equal(await bench.get('a'), null)
    await bench.store.sweep()
    await bench.set('a', data)
    assert.equal(await bench.get('a'), null)
  })

  it('forgets a destroyed session only when it could not be valid any more, and then does not bring it back either', async () => {
    using bench = new Bench({ idle: 100, max: 100 })
    const data = signedIn(Date.now() - 200_000)
    await bench.set('a', data)
    await bench.store.sweep()
    assert.deepEqual(bench.rows(), [])
    await bench.set('a', data)
    assert.equal(await bench.get('a'), null)
  })

  it('writes nothing for a request that changed nothing', async () => {
    using bench = new Bench()
    const data = signedIn()
    await bench.set('a', data)
    const before = bench.commits
    for (let i = 0; i < 100; i++) {
      await bench.get('a')
      await bench.touch('a', data)
    }
    assert.equal(bench.commits, before)
  })

  it('notes activity once it moves the end by a fiftieth of the idle time', async () => {
    using bench = new Bench()
    const data = signedIn()
    await bench.set('a', data)
    bench.database.handle.prepare('UPDATE sessions SET expires_at = expires_at - ?').run((7 * DAY * 1000) / 50)
    const before = bench.commits
    await bench.touch('a', data)
    assert.notEqual(bench.commits, before)
  })

  it('waits for a lock of another process without holding the thread', async () => {
    using bench = new Bench()
    using other = new OtherProcess(bench.file)
    other.lock()
    let turns = 0
    const counting = setInterval(() => {
      if (++turns === 20) other.unlock()
    }, 5)
    await bench.set('a', signedIn()).finally(() => clearInterval(counting))
    assert.equal((await bench.get('a'))?.signedIn?.userId, 1)
  })

  it('tells the callback of a lock that lasts, and throws nothing', async () => {
    using bench = new Bench()
    using other = new OtherProcess(bench.file)
    other.lock()
    await assert.rejects(bench.set('a', signedIn()), { name: 'UnavailableError', status: 503 })
    assert.equal(await bench.get('a'), null, 'reading goes on')
  })

  it('never lets a touch hold up or fail an answer', async () => {
    using bench = new Bench()
    const data = signedIn()
    await bench.set('a', data)
    bench.database.handle.prepare('UPDATE sessions SET expires_at = expires_at - 100000000').run()
    using other = new OtherProcess(bench.file)
    other.lock()
    const since = performance.now()
    await bench.touch('a', data)
    assert.ok(performance.now() - since < 1000)
  })

  it('tells the callback when the table is gone', async () => {
    using bench = new Bench()
    bench.database.handle.exec('DROP TABLE sessions')
    await assert.rejects(bench.get('a'), { name: 'UnavailableError' })
    await assert.rejects(bench.set('a', signedIn()), { name: 'UnavailableError' })
    await assert.rejects(bench.destroy('a'), { name: 'UnavailableError' })
  })

  it('ends all sessions of one user but one, and nobody else’s', async () => {
    using bench = new Bench()
    for (const id of ['a', 'b', 'c']) await bench.set(id, signedIn())
    await bench.set('d', { ...signedIn(), signedIn: { userId: 2, generation: 1, at: Date.now() } })
    assert.deepEqual(bench.store.endAllOf(1, 'b').toSorted(), ['a', 'c'])
    const left = await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await bench.get(id)) !== null))
    assert.deepEqual(left, [false, true, false, true])
  })
})

/** Another connection that takes the write lock, as another process would. */
class OtherProcess implements Disposable {
  readonly #database: Database.Database

  constructor(file: string) {
    this.#database = new Database(file)
  }

  lock(): void {
    this.#database.exec('BEGIN IMMEDIATE')
  }

  unlock(): void {
    this.#database.exec('COMMIT')
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
