import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { isOpenTwice } from '../../src/notifications/store/driver.js'
import { draft } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { type Logged, openStore, temporaryFolder } from './subject.js'

const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** What npm makes where a host asks for another version of better-sqlite3 than Belfry: a copy of its own, SQLite included. Loaded until it is disposed of. */
function anotherCopyOfTheDriver(folder: string): Disposable & { readonly Driver: typeof Sqlite } {
  const modules = join(dirname(require.resolve('better-sqlite3')), '..', '..')
  const parts = ['package.json', 'lib', 'prebuilds', 'build/Release/better_sqlite3.node'].map((part) => join('better-sqlite3', part))
  for (const part of [...parts, 'bindings', 'file-uri-to-path']) {
    if (existsSync(join(modules, part))) cpSync(join(modules, part), join(folder, 'node_modules', part), { recursive: true })
  }
  const forget = () => {
    for (const file of Object.keys(require.cache)) if (file.startsWith(folder)) delete require.cache[file]
  }
  return { Driver: require(join(folder, 'node_modules', 'better-sqlite3')), [Symbol.dispose]: forget }
}

/** A host's own class of databases, with a constructor of its own. */
function subclassOf(Driver: typeof Sqlite) {
  return class extends Driver {
    constructor({ file }: { readonly file: string }) {
      super(file)
    }
  }
}

test('a host that gives a path and opens its database with another copy is told what to do', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'app.db')
  const before: Logged[] = []
  await openStore(file, before).close()
  assert.deepEqual(before, [])
  using copy = anotherCopyOfTheDriver(folder)
  const host = new copy.Driver(file)
  const after: Logged[] = []
  await openStore(file, after).close()
  const [{ message } = { message: '' }] = after
  assert.match(message, /^This process has loaded better-sqlite3 more than once .*Give createNotifications your open Database instead of its path/)
  assert.ok(message.includes(folder), message)
  host.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a file that another copy of SQLite in the process opens, also later, is said to be open twice, once', {
  skip: process.platform !== 'linux' && 'only Linux lists what is mapped',
}, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const folder = temporaryFolder()
  const file = join(folder, 'app.db')
  const ours = new Sqlite(file)
  const logged: Logged[] = []
  const store = openStore(ours, logged)
  using copy = anotherCopyOfTheDriver(folder)
  const elsewhere = new copy.Driver(join(folder, 'other-app.db'))
  elsewhere.pragma('journal_mode = WAL')
  t.mock.timers.tick(10_000)
  assert.equal(await isOpenTwice(file), false)
  const theirs = new copy.Driver(file)
  theirs.prepare('SELECT * FROM notifications').all()
  assert.equal(await isOpenTwice(file), true)
  unlinkSync(`${file}-shm`)
  assert.equal(await isOpenTwice(file), true)
  for (let round = 0; round < 5; round++) {
    t.mock.timers.tick(10_000)
    await eventually(() => logged.length > 0, 'the log says so')
    await isOpenTwice(file)
  }
  assert.equal(logged.length, 1)
  assert.match(
    logged[0]?.message ?? '',
    /^Another copy of SQLite in this process .* has the database .*app\.db open, too: .* or give Belfry a database file of its own\.$/,
  )
  await store.close()
  for (const db of [ours, elsewhere, theirs]) db.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a file that the host opens anew after another was put in its place is said to be replaced, not to be open in another copy of SQLite', {
  skip: process.platform !== 'linux' && 'only Linux lists what is mapped',
}, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const folder = temporaryFolder()
  const file = join(folder, 'app.db')
  const logged: Logged[] = []
  const store = openStore(file, logged)
  await store.check()
  assert.equal(await isOpenTwice(file), false)
  new Sqlite(join(folder, 'new.db')).close()
  renameSync(join(folder, 'new.db'), file)
  for (const beside of ['-wal', '-shm']) unlinkSync(file + beside)
  const anew = new Sqlite(file)
  anew.exec('PRAGMA journal_mode = WAL; CREATE TABLE posts (title TEXT)')
  assert.equal(await isOpenTwice(file), true, 'it looks so')
  for (let round = 0; round < 5; round++) {
    t.mock.timers.tick(10_000)
    await eventually(() => logged.length > 0, 'the log says so')
    await isOpenTwice(file)
  }
  assert.deepEqual([logged.length, /was removed or replaced/.test(logged[0]?.message ?? '')], [1, true])
  await store.close()
  anew.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The package among links to all that is here, but for its driver. */
function withoutDriver(): { readonly folder: string; readonly driver: string } {
  const folder = temporaryFolder()
  const root = new URL('../../', import.meta.url)
  for (const part of ['src', 'migrations', 'package.json', 'tsconfig.json']) cpSync(new URL(part, root), join(folder, part), { recursive: true })
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(new URL('node_modules', root))) {
    if (name !== 'better-sqlite3') symlinkSync(fileURLToPath(new URL(`node_modules/${name}`, root)), join(modules, name))
  }
  return { folder, driver: join(modules, 'better-sqlite3') }
}

const OPEN = `const { openSqliteStore } = await import('./src/notifications/store/sqlite.ts')
  try { openSqliteStore({ database: 'app.db' }) } catch (error) { console.log(error.message) }`

test('a driver that would end the process is refused in a sentence', async () => {
  const { folder, driver } = withoutDriver()
  mkdirSync(join(driver, 'lib'), { recursive: true })
  writeFileSync(join(driver, 'package.json'), '{ "version": "13.2.0", "main": "lib/index.js" }')
  writeFileSync(join(driver, 'lib', 'index.js'), 'module.exports = class { constructor() { process.abort() } }')
  const script = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2', napi: '9' } })\n${OPEN}`
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: folder })
  assert.equal(
    stdout,
    'better-sqlite3 13 and later does not run on Node 20.20.2: install better-sqlite3@12 (with pnpm, Yarn or Bun by "resolutions" in package.json), or a newer Node.\n',
  )
  rmSync(folder, { recursive: true, force: true })
})

const ours = createRequire(require.resolve('better-sqlite3'))

test('a driver that was never compiled is told how to be', {
  skip: !/^12/.test(ours('../package.json').version) && 'version 13 comes compiled',
}, async () => {
  const { folder, driver } = withoutDriver()
  for (const part of ['package.json', 'lib']) cpSync(join(dirname(ours.resolve('../package.json')), part), join(driver, part), { recursive: true })
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', OPEN], { cwd: folder })
  assert.match(
    stdout,
    /^better-sqlite3 12\S+ is installed without its compiled part: .*npm install-scripts approve better-sqlite3.*npm rebuild better-sqlite3/,
  )
  rmSync(folder, { recursive: true, force: true })
})

for (const own of ['copy', 'subclass'] as const)
  test(`a host with its own ${own} of better-sqlite3: Belfry waits for the host's transaction, and what both write is kept`, async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'app.db')
    using copy = anotherCopyOfTheDriver(folder)
    const host = own === 'copy' ? new copy.Driver(file) : new (subclassOf(copy.Driver))({ file })
    host.exec('CREATE TABLE posts (title TEXT)')
    const store = openStore(host)
    const addPost = host.prepare('INSERT INTO posts VALUES (?)')
    const { notification } = await store.insert(draft({ user: 'ada' }, 'hi'))
    for (let i = 0; i < 20; i++) {
      host.exec('BEGIN IMMEDIATE')
      for (let j = 0; j < 50; j++) addPost.run('p'.repeat(500))
      const marked = store.mark('ada', [notification.id], i % 2 === 0 ? 'read' : 'unread', Date.now())
      // What is asked for in one turn of the event loop is tried at the end of it.
      await nextTurn()
      await nextTurn()
      host.exec('COMMIT')
      await marked
      assert.equal((await store.snapshot('ada')).unread, i % 2)
    }
    assert.equal(host.prepare('SELECT count(*) FROM posts').pluck().get(), 1000)
    assert.equal(host.pragma('integrity_check', { simple: true }), 'ok')
    await store.close()
    host.close()
    rmSync(folder, { recursive: true, force: true })
  })
