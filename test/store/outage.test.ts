import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { UnavailableError } from '../../src/notifications/errors.js'
import { Writer } from '../../src/notifications/store/writer.js'
import { draft, Eyes, PAGE } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { openStore, SqliteSubject, temporaryFolder } from './subject.js'

/** Another process takes the write lock; disposing lets go of it. */
async function foreignLock(path: string): Promise<AsyncDisposable> {
  const script = `
    const db = new (require('better-sqlite3'))(process.argv[1], { timeout: 10000 })
    db.exec("BEGIN EXCLUSIVE; INSERT INTO notifications (audience, title) VALUES ('user:x', 'never committed')")
    console.log('locked')
    process.stdin.on('data', () => { db.exec('ROLLBACK'); process.exit() })`
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.stdin.write('go')
      await once(child, 'exit')
    },
  }
}

/** From now on looks at how long the event loop stands still; the first look only begins it. */
async function watchLoop(): Promise<IntervalHistogram> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await lookedAt(delay)
  return delay
}

/** A standstill shows only once the loop runs again, and was looked at. */
async function lookedAt(delay: IntervalHistogram): Promise<void> {
  const { count } = delay
  await eventually(() => delay.count > count, 'the event loop was looked at')
}

test('while another process holds the lock, reads answer, the event loop runs, and writes get through afterwards', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await eyes.send({ user: 'ada' }, 'before')
  await using lock = await foreignLock(subject.path)
  const delay = await watchLoop()
  const write = eyes.send({ user: 'ada' }, 'during')
  const until = performance.now() + 700
  while (performance.now() < until) {
    assert.equal((await subject.store.snapshot('ada')).unread, 1)
    await nextTurn()
  }
  await lookedAt(delay)
  delay.disable()
  // What holds the loop for the lock holds it for seconds; a busy machine alone for less.
  assert.ok(delay.max / 1e6 < 1000, `the loop stood still for ${delay.max / 1e6} ms`)
  await lock[Symbol.asyncDispose]()
  await write
  assert.deepEqual(await eyes.titles('ada'), ['during', 'before'])
})

test('under a lasting lock a write gives up within ten seconds, having stored nothing, and the next one works', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  {
    await using _lock = await foreignLock(subject.path)
    const began = performance.now()
    await assert.rejects(eyes.send({ user: 'ada' }, 'in vain'), (error) => error instanceof UnavailableError && error.retryAfter !== undefined)
    assert.ok(performance.now() - began < 10_000)
  }
  await eyes.send({ user: 'ada' }, 'well')
  assert.deepEqual(await eyes.titles('ada'), ['well'])
})

test('a store that is about to be closed is not held up by a lasting lock, and stores nothing of what waited for it', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  {
    await using _lock = await foreignLock(subject.path)
    const waiting = assert.rejects(eyes.send({ user: 'ada' }, 'in vain'), UnavailableError)
    const began = performance.now()
    subject.store.hurry()
    const late = assert.rejects(eyes.send({ user: 'ada' }, 'too late'), UnavailableError)
    await Promise.all([waiting, late])
    const took = performance.now() - began
    assert.ok(took > 900 && took < 3500, `given up after ${Math.round(took)} ms`)
  }
  assert.deepEqual(await eyes.titles('ada'), [])
})

test('on a full disk writes are refused and reads go on; it heals by itself', async () => {
  const host = new Sqlite(':memory:')
  const store = openStore(host)
  await store.insert(draft({ user: 'ada' }, 'kept'))
  host.pragma(`max_page_count = ${host.pragma('page_count', { simple: true })}`)
  const big = draft({ user: 'ada' }, 'too much', { body: 'x'.repeat(5000) })
  const results = await Promise.allSettled([store.insert(big), store.insert(big), store.insert(big)])
  for (const result of results) assert.ok(result.status === 'rejected' && result.reason instanceof UnavailableError)
  assert.deepEqual(
    (await store.list('ada', PAGE)).rows.map(({ title }) => title),
    ['kept'],
  )
  await store.check()
  host.pragma('max_page_count = 100000')
  await store.insert(big)
  assert.equal((await store.snapshot('ada')).unread, 2)
  await store.close()
  host.close()
})

test('an operation that fails takes none of those with it that share its transaction', async () => {
  const db = new Sqlite(':memory:')
  db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY)')
  let commits = 0
  const writer = new Writer(
    db,
    () => commits++,
    () => {},
  )
  const insert = (n: number) => writer.write(() => db.prepare('INSERT INTO t VALUES (?)').run(n))
  const half = writer.write(() => {
    db.prepare('INSERT INTO t VALUES (5)').run()
    throw new TypeError('broken')
  })
  const results = await Promise.allSettled([insert(1), insert(2), insert(1), half, insert(3)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(db.prepare('SELECT n FROM t').pluck().all(), [1, 2, 3])
  commits = 0
  await Promise.all([insert(10), insert(11), insert(12)])
  assert.equal(commits, 1)
  db.close()
})

test('a batch of many operations does not hold the event loop', { timeout: 120_000 }, async () => {
  await using subject = new SqliteSubject()
  const publishAt = Date.now() + 600_000
  const drafts = Array.from({ length: 20_000 }, (_, n) => draft({ user: `u${n}` }, 'planned', { publishAt }))
  const delay = await watchLoop()
  const held: number[] = []
  for (let round = 0; round < 3; round++) {
    delay.reset()
    await Promise.all(drafts.map((each) => subject.store.insert(each)))
    for (let next: number | null = 0; next !== null; ) next = await subject.store.tick(publishAt)
    await lookedAt(delay)
    held.push(delay.max / 1e6)
  }
  delay.disable()
  // The disk may stand still for a second, and the loop with it; but not each time.
  assert.ok(Math.min(...held) < 250, `the loop stood still for ${held} ms`)
  assert.equal(await new Eyes(subject).unread('u19999'), 3)
})

test('a listener that throws harms neither the write nor the other listeners', async () => {
  await using subject = new SqliteSubject()
  const heard: string[] = []
  subject.store.watch(() => {
    throw new Error('broken')
  })
  subject.store.watch((changed) => heard.push(...changed))
  await subject.store.insert(draft({ user: 'ada' }, 'hi'))
  await eventually(() => heard.length === 1, 'the other listener heard of it')
  assert.equal(subject.logged.length, 1)
})

test('a store that was closed leaves nothing behind that keeps the process alive', async () => {
  const script = `
    import { openSqliteStore } from ${JSON.stringify(new URL('../../src/notifications/store/sqlite.ts', import.meta.url).href)}
    const log = () => {}
    const store = openSqliteStore({ database: process.argv[1], logger: { info: log, warn: log, error: log }, metrics: { stored() {} } })
    await store.announce({ session: 'x', at: 0 })`
  const path = `${temporaryFolder()}/test.db`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, path], { stdio: 'inherit' })
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

for (const [whose, open] of [
  ['opened by its path', (path: string) => path],
  ['of which the host gave a handle', (path: string) => new Sqlite(path)],
] as const) {
  test(`a file that is removed while it is open, ${whose}, is said to be gone within ten seconds, once, and to whoever asks, until it is back`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    await using subject = new SqliteSubject(open)
    await subject.store.check()
    for (let round = 1; round <= 2; round++) {
      renameSync(subject.path, `${subject.path}.away`)
      t.mock.timers.tick(10_000)
      await eventually(() => subject.logged.length === round, 'the log says so')
      assert.match(subject.logged.at(-1)?.message ?? '', /test\.db was removed or replaced while it is open: what is written now will be lost/)
      await assert.rejects(subject.store.check(), { name: UnavailableError.name, message: /was removed or replaced/ })
      renameSync(`${subject.path}.away`, subject.path)
      await subject.store.check()
    }
    assert.equal(subject.logged.length, 2)
  })
}
