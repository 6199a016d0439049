import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite, { type Database } from 'better-sqlite3'
import express from 'express'
import { createNotifications, type Notifications } from '../../src/notifications/index.js'
import type { TestTab } from '../../src/notifications/testing.js'
import { Folder, Served, sessions } from './served.js'

interface Shop {
  readonly db: Database
  readonly notifications: Notifications
  /** Ada's open tab. */
  readonly tab: TestTab
  /** Orders are what the host writes in the same transaction. */
  readonly orders: () => number
  order(): void
}

/** A host with a table of its own; `database`: what the plugin is given. */
async function shop(use: (shop: Shop) => Promise<void>, at: 'file' | 'memory' = 'file'): Promise<void> {
  using folder = new Folder()
  const db = new Sqlite(at === 'memory' ? ':memory:' : folder.file('shop.db'))
  db.pragma('journal_mode = WAL')
  db.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)')
  const { middleware, signIn } = sessions()
  const identify = (req: express.Request) => (req.session.user === undefined ? null : { id: req.session.user })
  const notifications = createNotifications({ database: db, session: middleware, identify })
  await using served = await Served.start(express(), (server) => notifications.attach(server), notifications)
  await using tab = await served.tab({ cookie: await signIn('ada') })
  const orders = () => db.prepare('SELECT count(*) FROM orders').pluck().get() as number
  await use({ db, notifications, tab, orders, order: () => void db.prepare('INSERT INTO orders DEFAULT VALUES').run() })
  await notifications.close()
  assert.equal(db.open, true, "the handle is the host's, and stays open")
  db.close()
}

/** What a function of a transaction promises, once that is committed: better-sqlite3 takes no function that returns a promise. */
function within<T>(db: Database, run: () => Promise<T>): Promise<T> {
  let promised: Promise<T> | undefined
  db.transaction(() => {
    promised = run()
  })()
  return promised ?? Promise.reject(new Error('not run'))
}

const toAda = (title: string) => ({ to: { user: 'ada' }, title }) as const
const titles = async (notifications: Notifications) => (await notifications.list('ada')).items.map(({ title }) => title)

for (const at of ['file', 'memory'] as const) {
  describe(`inside a transaction of the host's, on a database in a ${at === 'file' ? 'file' : 'memory'}`, () => {
    it('what was committed is stored with it and pushed after it', () =>
      shop(async ({ db, notifications, tab, order, orders }) => {
        const stored = await within(db, () => {
          order()
          return notifications.notify(toAda('Order 1 placed'))
        })
        await tab.unread(1)
        assert.deepEqual([orders(), await titles(notifications)], [1, ['Order 1 placed']])
        assert.equal((await notifications.get('ada', stored.id)).title, 'Order 1 placed')
      }, at))

    it('what was rolled back leaves no row, no push and no rejection', () =>
      shop(async ({ db, notifications, tab, order, orders }) => {
        const rejections: unknown[] = []
        const hear = (reason: unknown) => void rejections.push(reason)
        process.on('unhandledRejection', hear)
        const place = db.transaction(() => {
          order()
          void notifications.notify(toAda('Never'))
          throw new Error('out of stock')
        })
        assert.throws(place, /out of stock/)
        await notifications.notify(toAda('After'))
        await tab.unread(1)
        await nextTurn()
        process.off('unhandledRejection', hear)
        assert.deepEqual([orders(), await titles(notifications), rejections], [0, ['After'], []])
        assert.deepEqual(
          tab.arrived.map(({ title }) => title),
          ['After'],
        )
      }, at))

    it('a savepoint that is rolled back takes its own with it, and the rest stays', () =>
      shop(async ({ db, notifications, tab }) => {
        const inner = db.transaction(() => {
          void notifications.notify(toAda('Inner'))
          throw new Error('inner')
        })
        const outer = db.transaction(() => {
          void notifications.notify(toAda('First'))
          assert.throws(inner, /inner/)
          void notifications.notify(toAda('Last'))
        })
        outer()
        await tab.unread(2)
        assert.deepEqual(await titles(notifications), ['Last', 'First'])
      }, at))

    it('nothing is pushed or seen before the outermost commit', () =>
      shop(async ({ db, notifications, tab }) => {
        const inner = db.transaction(() => void notifications.notify(toAda('Nested')))
        db.exec('BEGIN')
        inner()
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        assert.equal(tab.state.unread, 0)
        if (at === 'file') assert.equal(await notifications.unreadCount('ada'), 0)
        db.exec('COMMIT')
        await tab.unread(1)
      }, at))

    it('nothing of it is told to a tab that is looked after meanwhile', () =>
      shop(async ({ db, notifications, tab }) => {
        db.exec('BEGIN')
        for (const title of ['One', 'Two']) await notifications.notify(toAda(title))
        await notifications.refresh('ada')
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        db.exec('ROLLBACK')
        await notifications.notify(toAda('Kept'))
        await tab.unread(1)
        assert.deepEqual(
          tab.arrived.map(({ title }) => title),
          ['Kept'],
        )
      }, at))

    it('BEGIN and COMMIT by hand, with other work awaited between them, do the same', () =>
      shop(async ({ db, notifications, tab, order, orders }) => {
        db.exec('BEGIN')
        order()
        const stored = await notifications.notify(toAda('By hand'))
        await nextTurn()
        db.exec('COMMIT')
        await tab.unread(1)
        db.exec('BEGIN IMMEDIATE')
        order()
        await notifications.notify(toAda('Never'))
        await nextTurn()
        db.exec('ROLLBACK')
        await notifications.markAsRead('ada', stored.id)
        await tab.unread(0)
        assert.deepEqual([orders(), await titles(notifications)], [1, ['By hand']])
      }, at))

    it('a key that was used in a transaction that was rolled back is free again', () =>
      shop(async ({ db, notifications, tab }) => {
        const draft = { ...toAda('Once'), idempotencyKey: 'order-1' }
        const fail = db.transaction(() => {
          void notifications.notify(draft)
          throw new Error('no')
        })
        assert.throws(fail)
        assert.equal((await notifications.notify(draft)).replayed, false)
        assert.equal((await within(db, () => notifications.notify(draft))).replayed, true)
        await tab.unread(1)
      }, at))

    it('a draft that is refused rejects, and leaves the rest of the transaction alone', () =>
      shop(async ({ db, notifications, tab, order, orders }) => {
        const [refused, stored] = await within(db, () => {
          order()
          return Promise.allSettled([notifications.notify(toAda('')), notifications.notify(toAda('Good'))])
        })
        assert.deepEqual([refused.status, stored.status, orders()], ['rejected', 'fulfilled', 1])
        await tab.unread(1)
      }, at))
  })
}

describe('outside of transactions', () => {
  it('calls in one turn have each its own outcome', () =>
    shop(async ({ notifications, tab }) => {
      const drafts = Array.from({ length: 50 }, (_, n) => toAda(n === 25 ? '' : `${n}`))
      const outcomes = await Promise.allSettled(drafts.map((draft) => notifications.notify(draft)))
      assert.deepEqual(
        outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : [])),
        [25],
      )
      await tab.unread(49)
    }))

  it("a host's open transaction is not joined by what other requests send through a path", async () => {
    using folder = new Folder()
    const db = new Sqlite(folder.file('shop.db'))
    db.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)')
    const notifications = createNotifications({ database: folder.file('shop.db'), session: (_req, _res, next) => next(), identify: () => null })
    db.exec('BEGIN')
    db.prepare('SELECT count(*) FROM orders').get()
    await notifications.notify(toAda('Own connection'))
    db.exec('ROLLBACK')
    assert.deepEqual(await titles(notifications), ['Own connection'])
    await notifications.close()
    db.close()
  })
})
