import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite, { type Database } from 'better-sqlite3'
import { SchemaError } from '../../src/notifications/errors.js'
import { dropLeftViews } from '../../src/notifications/store/intact.js'
import type { Store } from '../../src/notifications/store/store.js'
import { draft } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { openStore, SqliteSubject, temporaryFolder } from './subject.js'

/** A database in which ada has one, and what another program may do to it while nobody works on it. */
class Damaged implements Disposable {
  readonly #folder = temporaryFolder()
  readonly #db = new Sqlite(join(this.#folder, 'app.db'))

  static async after(harm: (db: Database) => void): Promise<Damaged> {
    const damaged = new Damaged()
    damaged.#db.exec('CREATE TABLE posts (title TEXT)')
    const store = damaged.open()
    await store.insert(draft({ user: 'ada' }, 'before'))
    await store.close()
    harm(damaged.#db)
    return damaged
  }

  get path(): string {
    return this.#db.name
  }

  open(): Store {
    return openStore(this.path)
  }

  [Symbol.dispose](): void {
    this.#db.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function dropAll(db: Database, type: string, keep = ''): void {
  const names = db.prepare(`SELECT name FROM sqlite_master WHERE type = ? AND name GLOB 'notification*' AND name <> ?`).pluck().all(type, keep)
  for (const name of names) db.exec(`DROP ${type} "${name}"`)
}

for (const [what, types] of [
  ['tables', ['table']],
  ['tables and views', ['view', 'table']],
] as const)
  test(`a program that drops all ${what} leaves nothing in the way: everything is made anew`, async () => {
    using damaged = await Damaged.after((db) => {
      for (const type of types) dropAll(db, type)
    })
    const store = damaged.open()
    await store.insert(draft({ user: 'ada' }, 'after'))
    assert.equal((await store.snapshot('ada')).unread, 1)
    await store.close()
  })

test('of two processes that start after a program has dropped all tables, the later leaves the views that the first has made anew', async () => {
  using damaged = await Damaged.after((db) => dropAll(db, 'table'))
  using whole = await Damaged.after(() => {})
  const later = new Sqlite(damaged.path)
  let first: Store | undefined
  dropLeftViews(later, () => {
    first = damaged.open()
    return new Sqlite(whole.path)
  })
  later.close()
  await first?.insert(draft({ user: 'ada' }, 'after'))
  assert.equal((await first?.snapshot('ada'))?.unread, 1)
  await first?.close()
})

test('a view of the host that is only called like one of ours is left alone, and the start says what is in the way', () => {
  const folder = temporaryFolder()
  const db = new Sqlite(join(folder, 'app.db'))
  db.exec(`CREATE VIEW notification_facts AS SELECT 'of the host' AS fact`)
  assert.throws(
    () => openStore(db.name),
    (error) => error instanceof SchemaError && error.message.includes('"notification_facts" that is not ours'),
  )
  assert.equal(db.prepare('SELECT fact FROM notification_facts').pluck().get(), 'of the host')
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const [lacked, harm] of [
  ['table notifications', (db) => db.exec('DROP TABLE notifications')],
  ['table notification_changes', (db) => ['view', 'table'].forEach((type) => void dropAll(db, type, 'notification_migrations'))],
  ['trigger notification_inserted', (db) => db.exec('DROP TRIGGER notification_inserted')],
  ['index notification_keys', (db) => db.exec('DROP INDEX notification_keys')],
] satisfies [string, (db: Database) => void][])
  test(`a start on a database that lacks the ${lacked} stops with a sentence, where all that is sent would go nowhere`, async () => {
    using damaged = await Damaged.after(harm)
    assert.throws(
      () => damaged.open(),
      (error) =>
        error instanceof SchemaError &&
        error.message.includes(`it lacks the ${lacked}`) &&
        error.message.includes('. Restore a backup; or drop all '),
    )
  })

test('a database of which all rows of ours were deleted goes on as another one', async () => {
  using damaged = await Damaged.after((db) => {
    const tables = db.prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'notification*' AND name <> 'notification_migrations'`,
    )
    for (const name of tables.pluck().all()) db.exec(`DELETE FROM "${name}"`)
  })
  const store = damaged.open()
  assert.match(store.epoch, /^[0-9a-f]{16}$/)
  await store.close()
  const again = damaged.open()
  assert.equal(again.epoch, store.epoch)
  await again.close()
})

test('where the list of what was made is empty, a start says what to do', async () => {
  using damaged = await Damaged.after((db) => db.exec('DELETE FROM notification_migrations'))
  assert.throws(
    () => damaged.open(),
    (error) =>
      error instanceof SchemaError && /"notifications" .* another program has emptied notification_migrations: then drop/.test(error.message),
  )
})

for (const [what, setBack] of [
  [
    'all rows of ours are deleted',
    async (db, _backup) => {
      const tables = db.prepare(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'notification*' AND name <> 'notification_migrations'`,
      )
      for (const name of tables.pluck().all()) db.exec(`DELETE FROM "${name}"`)
      db.exec(`INSERT INTO notifications (audience, title) VALUES ('user:ada', 'one')`)
    },
  ],
  ['a backup is restored over it', async (db, backup) => void (await new Sqlite(backup).backup(db.name))],
] satisfies [string, (db: Database, backup: string) => Promise<void>][])
  test(`where ${what} while it is open, counts are read anew, the log says so, and what comes next is told`, async () => {
    await using subject = new SqliteSubject()
    const { store, logged, path } = subject
    await store.insert(draft({ user: 'ada' }, 'one'))
    const db = new Sqlite(path)
    await db.backup(`${path}.backup`)
    for (let i = 0; i < 10; i++) await store.insert(draft({ user: 'ada' }, 'more'))
    assert.equal((await store.snapshot('ada')).unread, 11)
    const changes = db.prepare('SELECT count(*) FROM notification_changes').pluck()
    db.exec(`INSERT INTO notification_changes (n, audience) VALUES (1000000, 'user:bob')`)
    await eventually(() => changes.get() === 1, 'those of long ago are deleted')
    await setBack(db, `${path}.backup`)
    await eventually(() => logged.length > 0, 'the log says so')
    assert.match(logged[0]?.message ?? '', /^The database was emptied, or restored from a backup, while it is open/)
    assert.equal((await store.snapshot('ada')).unread, 1)
    const told: unknown[] = []
    store.watch((changed) => void told.push(...changed))
    db.exec(`INSERT INTO notifications (audience, title) VALUES ('user:ada', 'two')`)
    await eventually(() => told.includes('user:ada'), 'ada is told of the next')
    assert.equal((await store.snapshot('ada')).unread, 2)
    assert.equal(logged.length, 1)
    db.exec(`
      WITH RECURSIVE k (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM k WHERE n < 20100)
      INSERT INTO notification_changes (audience) SELECT 'user:bob' FROM k`)
    await eventually(() => (changes.get() as number) < 20_000, 'what is no longer needed is still deleted')
    db.close()
  })
