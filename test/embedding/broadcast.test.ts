import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { describe, it } from 'node:test'
import Sqlite, { type Database } from 'better-sqlite3'
import express from 'express'
import { createNotifications, type Identity, InvalidError, NotFoundError, type Notifications } from '../../src/notifications/index.js'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { Folder, Served } from './served.js'

interface Known {
  readonly db: Database
  readonly notifications: Notifications
  /** How many bytes the log of the database grew by while something was done. */
  readonly written: (act: () => Promise<unknown>) => Promise<number>
}

/** A database that has met so many users, each with a row and a topic. */
async function withUsers(count: number, use: (known: Known) => Promise<void>): Promise<void> {
  using folder = new Folder()
  const file = folder.file('known.db')
  const identify = (id: string): Identity => ({ id, topics: ['role:member'] })
  const options = { database: file, session: () => {}, identify: () => null, topicsOf: identify }
  const notifications = createNotifications(options)
  const db = new Sqlite(file)
  await notifications.refresh('user-1')
  db.pragma('synchronous = OFF')
  for (const table of ['notification_users', 'notification_memberships']) copyRow(db, table, count)
  const written = async (act: () => Promise<unknown>) => {
    db.pragma('wal_checkpoint(TRUNCATE)')
    await act()
    return statSync(`${file}-wal`).size
  }
  await use({ db, notifications, written })
  await notifications.close()
  db.close()
}

/** What is known of user-1 becomes known of so many. */
function copyRow(db: Database, table: string, count: number): void {
  const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name)
  const values = columns.map((name) => (name === 'user_id' ? `'user-' || n` : name))
  db.prepare(
    `WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
     INSERT INTO ${table} (${columns}) SELECT ${values} FROM numbers, (SELECT * FROM ${table} WHERE user_id = 'user-1' LIMIT 1)`,
  ).run(count)
}

const rows = (db: Database) =>
  (db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'notification*'`).pluck().all() as string[]).map(
    (table) => [table, db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number] as const,
  )

describe('writing to everyone', () => {
  it('costs the same bytes and rows for a million known users as for ten, and so does marking all as read', async () => {
    const costs: Record<string, number[]> = { everyone: [], topic: [], readAll: [] }
    for (const count of [10, 1_000_000]) {
      await withUsers(count, async ({ db, notifications, written }) => {
        assert.equal(db.prepare('SELECT count(*) FROM notification_users').pluck().get(), count)
        await notifications.notify({ to: 'everyone', title: 'The first makes room' })
        await notifications.notify({ to: { topic: 'role:member' }, title: 'The first makes room' })
        const before = new Map(rows(db))
        costs.everyone?.push(await written(() => notifications.notify({ to: 'everyone', title: 'Down at ten' })))
        const grown = rows(db).reduce((sum, [table, now]) => sum + now - (before.get(table) ?? 0), 0)
        assert.ok(grown <= 3, `${grown} rows for one notification`)
        costs.topic?.push(await written(() => notifications.notify({ to: { topic: 'role:member' }, title: 'To members' })))
        const { items, unread } = await notifications.list(`user-${count}`)
        assert.equal(unread, 4)
        costs.readAll?.push(await written(() => notifications.markAllAsRead(`user-${count}`, { upTo: items[0]?.cursor ?? '' })))
        assert.deepEqual([await notifications.unreadCount(`user-${count}`), await notifications.unreadCount('user-1')], [0, 4])
      })
    }
    const PAGE = 4096
    for (const [what, [few = 0, many = 0]] of Object.entries(costs)) {
      assert.ok(few > 0 && many > 0, `${what} was written`)
      assert.ok(many <= few + 6 * PAGE, `${what}: ${few} bytes with ten users, ${many} with a million`)
    }
  })

  it('counts exactly for those who join later, change their role, read some, or were never seen', async () => {
    const roles = new Map<string, Identity['topics']>([
      ['ada', ['role:editor']],
      ['bo', ['role:member']],
    ])
    const since = new Map<string, number>()
    const identity = (id: string): Identity => ({ id, topics: roles.get(id), since: since.get(id) })
    using folder = new Folder()
    const notifications = createNotifications({ database: folder.file('app.db'), session: () => {}, identify: () => null, topicsOf: identity })
    const counts = async (...users: string[]) => Promise.all(users.map((user) => notifications.unreadCount(user)))
    const first = await notifications.notify({ to: 'everyone', title: 'First' })
    await notifications.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
    assert.deepEqual(await counts('ada', 'bo', 'stranger'), [2, 1, 1])

    since.set('late', Date.now() + 1)
    while (Date.now() < (since.get('late') ?? 0)) await notifications.check()
    assert.deepEqual(await counts('late'), [0])
    await notifications.notify({ to: 'everyone', title: 'Second' })
    assert.deepEqual(await counts('ada', 'bo', 'stranger', 'late'), [3, 2, 2, 1])

    await notifications.markAsRead('bo', first.id)
    const { items } = await notifications.list('ada')
    await notifications.markAllAsRead('ada', { upTo: items[0]?.cursor ?? '' })
    assert.deepEqual(await counts('ada', 'bo', 'stranger', 'late'), [0, 1, 2, 1])

    const version = (await notifications.state('bo')).version
    roles.set('bo', ['role:member', 'role:editor'])
    assert.ok((await notifications.refresh('bo')).version > version, 'a new role is a change')
    assert.deepEqual(await counts('bo'), [2], 'without since, a member has what was sent to the topic before')
    roles.set('bo', [{ name: 'role:editor', since: Date.now() + 60_000 }])
    await notifications.refresh('bo')
    assert.deepEqual(await counts('bo'), [1], 'with since, only what is sent from then on')
    await notifications.recall(first.id)
    assert.deepEqual(await counts('ada', 'bo', 'stranger', 'late'), [0, 1, 1, 1])
    await notifications.close()
  })

  it('reaches the open page of somebody whom the host has put into the topic without a word, within a minute', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const topics: string[] = []
    const notifications = fakeNotifications({ topicsOf: (id) => ({ id, topics }) })
    await using served = await Served.start(express(), (server) => notifications.attach(server), notifications)
    await notifications.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
    await using tab = await served.tab({ user: 'ada' })
    assert.equal(tab.state.unread, 0)
    topics.push('role:editor')
    t.mock.timers.tick(60_000)
    await tab.unread(1)
  })

  it('is read again by one question to the host, and by none for what is no id', async () => {
    const asked: unknown[] = []
    const topicsOf = (id: string): Identity => {
      asked.push(id)
      return { id, topics: ['role:editor'] }
    }
    const notifications = createNotifications({ database: ':memory:', session: () => {}, identify: () => null, topicsOf })
    await notifications.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
    assert.equal((await notifications.refresh('ada')).unread, 1)
    await assert.rejects(notifications.refresh(7 as unknown as string), InvalidError)
    assert.deepEqual(asked, ['ada'])
    await notifications.close()
  })

  it('is in the inbox of somebody who was never here, by the topics that the host says they are in', async () => {
    const topicsOf = (id: string): Identity | null => (id === 'ada' ? { id, topics: ['role:editor'] } : null)
    const notifications = createNotifications({ database: ':memory:', session: () => {}, identify: () => null, topicsOf })
    const { id } = await notifications.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
    assert.equal((await notifications.markAsRead('ada', id)).unread, 0)
    assert.deepEqual(
      (await notifications.list('ada')).items.map(({ title }) => title),
      ['Editors'],
    )
    assert.deepEqual((await notifications.list('bo')).items, [])
    await assert.rejects(notifications.get('bo', id), NotFoundError)
    await assert.rejects(notifications.list(''), InvalidError)
    await notifications.close()
  })
})
