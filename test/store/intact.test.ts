import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite, { type Database } from 'better-sqlite3'
import { SchemaError } from '../../src/notifications/errors.js'
import type { Store } from '../../src/notifications/store/store.js'
import { draft } from '../contracts/store.js'
import { openStore, temporaryFolder } from './subject.js'

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

  open(): Store {
    return openStore(this.#db.name)
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
      error instanceof SchemaError && /"notifications" .* where another program has emptied notification_migrations: then drop/.test(error.message),
  )
})
