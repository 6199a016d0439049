import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { schema, schemaFile } from '../../scripts/schema.js'
import { OptionError, SchemaError, UnavailableError } from '../../src/notifications/errors.js'
import { migrateSqlite } from '../../src/notifications/store/migrate.js'
import { eventually } from '../helpers/eventually.js'
import { recount } from './recount.js'
import { type Logged, openStore, temporaryFolder } from './subject.js'

const run = promisify(execFile)
const MIGRATE = new URL('../../src/notifications/store/migrate.ts', import.meta.url).href

/** A folder with migrations and a database beside it. */
class Place implements Disposable {
  readonly root = temporaryFolder()
  readonly path = join(this.root, 'test.db')
  readonly folder = join(this.root, 'migrations')

  constructor(files: Record<string, string>) {
    mkdirSync(this.folder)
    for (const [name, sql] of Object.entries(files)) this.write(name, sql)
  }

  write(name: string, sql: string): void {
    writeFileSync(join(this.folder, name), sql)
  }

  get options() {
    return { folder: pathToFileURL(`${this.folder}/`), ledger: 'steps' }
  }

  migrate(): void {
    using db = this.open()
    migrateSqlite(db.handle, this.options)
  }

  open() {
    const handle = new Sqlite(this.path, { timeout: 10_000 })
    return { handle, [Symbol.dispose]: () => void handle.close() }
  }

  /** A process that migrates. @param before what it does with its handle `db` first */
  command(before = ''): string[] {
    const script = `
      import Sqlite from 'better-sqlite3'
      import { migrateSqlite } from ${JSON.stringify(MIGRATE)}
      const db = new Sqlite(process.argv[1], { timeout: 10 })
      ${before}
      migrateSqlite(db, { folder: new URL(process.argv[2]), ledger: 'steps' })`
    return ['--import', 'tsx', '--input-type=module', '-e', script, this.path, this.options.folder.href]
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

const STEPS = {
  '0001_first.sql': 'CREATE TABLE a (n); INSERT INTO a VALUES (1);',
  '0002_second.sql': 'ALTER TABLE a ADD COLUMN m; UPDATE a SET m = n + 1;',
}

test('each file is applied once, in order', () => {
  using place = new Place(STEPS)
  place.migrate()
  place.write('0003_third.sql', 'INSERT INTO a VALUES (2, 3);')
  place.migrate()
  place.migrate()
  using db = place.open()
  assert.deepEqual(db.handle.prepare('SELECT n, m FROM a').raw().all(), [
    [1, 2],
    [2, 3],
  ])
})

test('a file that fails leaves nothing of itself, and can be put right', () => {
  using place = new Place({ ...STEPS, '0003_third.sql': 'INSERT INTO a VALUES (9, 9); INSERT INTO nowhere VALUES (1);' })
  assert.throws(() => place.migrate())
  using db = place.open()
  assert.deepEqual(db.handle.prepare('SELECT n, m FROM a').raw().all(), [[1, 2]])
  place.write('0003_third.sql', 'INSERT INTO a VALUES (2, 3);')
  place.migrate()
  assert.equal(db.handle.prepare('SELECT count(*) FROM steps').pluck().get(), 3)
})

test('twenty processes that start at once migrate once', { timeout: 120_000 }, async () => {
  using place = new Place(STEPS)
  await Promise.all(Array.from({ length: 20 }, () => run(process.execPath, place.command())))
  using db = place.open()
  assert.deepEqual(db.handle.prepare('SELECT n, m FROM a').raw().all(), [[1, 2]])
})

/** Says when it is at the given place of its migrations and stays there, with little memory, so that most of what it wrote stands in the file. */
const stopAt = (place: string) => `
  const { writeSync } = await import('node:fs')
  db.pragma('cache_size = 10')
  db.function('reached', (place) => {
    if (place !== '${place}') return
    writeSync(1, 'there')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

test('a process that is killed midway leaves the database before or after a file, never within', { timeout: 120_000 }, async () => {
  const many = (name: string) =>
    Array.from(
      { length: 400 },
      (_, n) => `SELECT reached('${name}${n}'); CREATE TABLE ${name}${n} (x); INSERT INTO ${name}${n} VALUES (zeroblob(2000));`,
    ).join('\n')
  for (const moment of ['t0', 't200', 't399', 'u0', 'u399']) {
    using place = new Place({ '0001_many.sql': many('t'), '0002_more.sql': many('u') })
    const child = spawn(process.execPath, place.command(stopAt(moment)), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    using db = place.open()
    const tables = db.handle.prepare(`SELECT count(*) FROM sqlite_master WHERE name GLOB '[tu][0-9]*'`).pluck().get()
    assert.ok(tables === 0 || tables === 400 || tables === 800, `${tables} tables`)
    assert.equal(tables, moment.startsWith('t') ? 0 : 400)
    db.handle.function('reached', (_place) => null)
    migrateSqlite(db.handle, place.options)
    assert.equal(db.handle.prepare('SELECT count(*) FROM steps').pluck().get(), 2)
  }
})

test('a database of a newer version is refused', () => {
  using place = new Place(STEPS)
  place.migrate()
  rmSync(join(place.folder, '0002_second.sql'))
  assert.throws(
    () => place.migrate(),
    (error) => error instanceof SchemaError && /newer/.test(error.message),
  )
})

test('a file that changed after it was applied is refused', () => {
  using place = new Place(STEPS)
  place.migrate()
  appendFileSync(join(place.folder, '0001_first.sql'), '-- a thought')
  assert.throws(
    () => place.migrate(),
    (error) => error instanceof SchemaError && /0001_first.* Put the file back as it was/.test(error.message),
  )
})

test('a table named notifications that is not ours stops the start with a sentence, and is left as it is', () => {
  using place = new Place({})
  using db = place.open()
  db.handle.exec('CREATE TABLE notifications (mine)')
  assert.throws(
    () => openStore(place.path),
    (error) => error instanceof SchemaError && /"notifications"/.test(error.message),
  )
  assert.deepEqual(db.handle.prepare(`SELECT name FROM sqlite_master`).pluck().all(), ['notifications'])
})

test('a host with tables of its own keeps them', async () => {
  using place = new Place({})
  using db = place.open()
  db.handle.exec(`CREATE TABLE users (name); CREATE TABLE notification (x); INSERT INTO users VALUES ('ada')`)
  await openStore(place.path).close()
  assert.equal(db.handle.prepare('SELECT name FROM users').pluck().get(), 'ada')
  const ours = db.handle
    .prepare(`SELECT name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' AND name NOT IN ('users', 'notification')`)
    .pluck()
    .all()
  for (const name of ours) assert.match(String(name), /^notifications$|^notification_/)
})

test('a file that is no database, a closed handle, one for reading only and one that is alone with its file stop the start with a sentence', () => {
  using place = new Place({})
  writeFileSync(place.path, 'This is a letter to my aunt, and no database at all, which is a pity. '.repeat(20))
  assert.throws(() => openStore(place.path), SchemaError)
  const closed = new Sqlite(':memory:')
  closed.close()
  assert.throws(() => openStore(closed), OptionError)
  const path = join(place.root, 'other.db')
  new Sqlite(path).exec('CREATE TABLE t (x)').close()
  const readonly = new Sqlite(path, { readonly: true })
  assert.throws(() => openStore(readonly), OptionError)
  readonly.close()
  const alone = new Sqlite(path)
  alone.pragma('locking_mode = EXCLUSIVE')
  assert.throws(() => openStore(alone), { name: OptionError.name, message: /locking_mode at NORMAL/ })
  alone.close()
})

test('the epoch stays with the database', async () => {
  using place = new Place({})
  const first = openStore(place.path)
  await first.close()
  const second = openStore(join(place.root, 'sub', 'folder', 'other.db'))
  await second.close()
  const third = openStore(place.path)
  await third.close()
  assert.equal(third.epoch, first.epoch)
  assert.notEqual(second.epoch, first.epoch)
  assert.match(first.epoch, /^[0-9a-f]{16}$/)
})

test('a start under a lock waits for its end', async () => {
  using place = new Place({})
  const script = `
    const db = new (require('better-sqlite3'))(process.argv[1])
    db.exec('BEGIN EXCLUSIVE; CREATE TABLE t (x)')
    console.log('locked')
    setTimeout(() => { db.exec('COMMIT') }, 500)`
  const child = spawn(process.execPath, ['-e', script, place.path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const exit = once(child, 'exit')
  await openStore(place.path).close()
  await exit
})

test('outages at the start are told as such', () => {
  using place = new Place({})
  assert.throws(() => openStore(place.root), UnavailableError)
})

test('notifications of the first schema keep their counts, their newest, and what was read of them', async () => {
  const first = '0001_notifications.sql'
  using place = new Place({ [first]: readFileSync(new URL(`../../migrations/notifications/sqlite/${first}`, import.meta.url), 'utf8') })
  using db = place.open()
  migrateSqlite(db.handle, { ...place.options, ledger: 'notification_migrations' })
  const send = db.handle.prepare('INSERT INTO notifications (audience, title) VALUES (?, ?)')
  for (const audience of ['user:ada', 'user:ada', 'user:bob', 'everyone', 'user:ada']) send.run(audience, 'before')
  db.handle.exec('DELETE FROM notifications WHERE seq = 5')
  // Their links lead elsewhere, of which the first schema knew nothing.
  const led = db.handle.prepare('INSERT INTO notifications (id, audience, title, expires_at) VALUES (?, ?, ?, ?)')
  led.run('Unread', 'user:ada', 'elsewhere', null)
  led.run('stream', 'everyone', 'elsewhere', '2100-01-01')
  db.handle.exec(
    `INSERT INTO notification_receipts (user_id, position, read_at) SELECT 'dee', position, 1 FROM notification_deliveries WHERE audience = 'everyone'`,
  )
  const logged: Logged[] = []
  const store = openStore(place.path, logged)
  assert.equal(await store.tick(Date.now()), null)
  assert.match(logged.shift()?.message ?? '', /brought up to date/)
  await eventually(() => logged.length === 2, 'what is refused from now on was logged')

  for (const [user, unread] of Object.entries({ ada: 3, bob: 2, cy: 1, dee: 0 })) {
    assert.equal((await store.snapshot(user)).unread, unread)
    assert.equal(recount(db.handle, user), unread)
  }
  await store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 1)
  assert.equal((await store.snapshot('ada')).unread, 0)
  send.run('user:ada', 'after')
  assert.equal(recount(db.handle, 'ada'), 1)
  await store.close()
})

test('the schema that people read is the one that the migrations make', () => {
  assert.equal(readFileSync(schemaFile, 'utf8'), schema(), 'npm run schema writes it anew')
})

test('the log of whoever brings an older database up to date says with what; of a new one, and of one that is, it says nothing', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'test.db')
  const said = () => {
    const logged: Logged[] = []
    void openStore(path, logged).close()
    return logged.map(({ details, message }) => [message, details])
  }
  assert.deepEqual([said(), said()], [[], []])
  const db = new Sqlite(path)
  // As version 9 left it: all else that 0010 does may be done again.
  db.exec(`DELETE FROM notification_migrations WHERE name LIKE '0010%'; DROP TABLE notification_touched`)
  db.close()
  assert.deepEqual(said(), [['the database of an older version was brought up to date', { migrations: ['0010_touched.sql'] }]])
  rmSync(folder, { recursive: true })
})
