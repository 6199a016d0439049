import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import Sqlite, { type Database } from 'better-sqlite3'
import type { Identity } from '../../src/notifications/index.js'
import { type FakeNotifications, fakeNotifications } from '../../src/notifications/testing.js'
import { eventually } from '../helpers/eventually.js'
import { blocksOf } from './blocks.js'
import type { Installed } from './installed.js'

const run = promisify(execFile)
type Recipe = Record<string, (...args: unknown[]) => Promise<unknown>>

/** Imports each recipe of docs/recipes.md as a host would have it, and uses it. */
export function describeRecipes(installed: () => Installed): void {
  async function recipe(name: string): Promise<Recipe> {
    const block = blocksOf('recipes.md').find((one) => one.name === name)
    return (await import(pathToFileURL(installed().write(`recipes/${name}`, block?.code ?? '')).href)) as Recipe
  }

  /** A database of a host's, with ada (1), bo (2) and cy (3) in it. */
  async function withHost(
    use: (db: Database, fake: FakeNotifications) => Promise<void>,
    topicsOf?: (db: Database, id: string) => Identity | null,
  ): Promise<void> {
    const db = new Sqlite(':memory:')
    db.exec(`
      CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, role TEXT DEFAULT 'reader', role_since INTEGER DEFAULT 0, digested TEXT);
      CREATE TABLE comments (post, author, text);
      CREATE TABLE orders (id INTEGER PRIMARY KEY, notification TEXT);
      INSERT INTO users (name, email) VALUES ('ada', 'ada@example.com'), ('bo', 'bo@example.com'), ('cy', NULL);
      INSERT INTO orders (id) VALUES (10);`)
    const fake = fakeNotifications({ database: db, ...(topicsOf && { topicsOf: (id) => topicsOf(db, id) }) })
    await use(db, fake)
    await fake.close()
    db.close()
  }

  describe('recipes', () => {
    it('mentions: the author and those who are named hear of a comment, once each, and nobody of their own', () =>
      withHost(async (db, fake) => {
        const { addComment } = await recipe('mentions.js')
        await addComment?.(db, fake, { post: { id: 5, author: 1 }, author: { id: 2, name: 'bo' }, text: 'Look, @cy and @nobody and @bo' })
        fake.assertSentTo({ user: '3' }, { title: 'bo mentioned you', url: '/posts/5#c1', category: 'mentions' })
        fake.assertSentTo({ user: '1' }, { title: 'bo commented' })
        fake.assertCount(2)
        fake.forget()
        await addComment?.(db, fake, { post: { id: 5, author: 1 }, author: { id: 2, name: 'bo' }, text: 'And @ada' })
        fake.assertSentTo({ user: '1' }, { title: 'bo mentioned you' })
        fake.assertCount(1)
        fake.forget()
        await addComment?.(db, fake, { post: { id: 5, author: 1 }, author: { id: 1, name: 'ada' }, text: 'Thanks' })
        fake.assertNothingSent()
      }))

    it('orders: one notification a status, however often it is told, and only the latest is in the inbox', () =>
      withHost(async (db, fake) => {
        const { orderChanged } = await recipe('orders.js')
        for (const status of ['paid', 'paid', 'shipped', 'shipped', 'delivered']) await orderChanged?.(db, fake, { id: 10, customer: 1, status })
        fake.assertCount(3)
        const { items, unread } = await fake.list('1')
        assert.deepEqual([items.map(({ title, level }) => [title, level]), unread], [[['Order 10 has arrived', 'success']], 1])
      }))

    it('maintenance: it waits for its time, and those who get the role later have what comes later', async () => {
      const { announceMaintenance, changeRole, topicsOf } = await recipe('maintenance.js')
      const given = topicsOf as unknown as (db: Database, id: string) => Identity | null
      await withHost(async (db, fake) => {
        const from = new Date(Date.now() + 3_600_000)
        await changeRole?.(db, fake, 1, 'editor')
        await announceMaintenance?.(fake, { from, until: new Date(from.getTime() + 3_600_000) })
        fake.assertSentTo({ topic: 'role:editor' }, { level: 'warning' })
        assert.equal(await fake.unreadCount('1'), 1, 'a day before has come')
        await announceMaintenance?.(fake, { from: new Date(Date.now() + 7 * 86_400_000), until: new Date(Date.now() + 8 * 86_400_000) })
        assert.equal(await fake.unreadCount('1'), 1, 'a week before has not')
        while (Date.now() <= Date.parse(fake.notified[0]?.createdAt ?? '') + 1) await fake.check()
        await changeRole?.(db, fake, 2, 'editor')
        assert.equal(await fake.unreadCount('2'), 0)
      }, given)
    })

    it('nightly: a cron job tells the operators how it went', async () => {
      const file = installed().file('recipes/nightly.db')
      const fake = fakeNotifications({ database: file, topicsOf: (id) => ({ id, topics: ['role:operator'] }) })
      const script = installed().write('recipes/nightly.sh', blocksOf('recipes.md').find(({ name }) => name === 'nightly.sh')?.code ?? '')
      await run('sh', [script, file])
      assert.deepEqual(
        (await fake.list('1')).items.map(({ title, level }) => [title, level]),
        [['Backup done', 'success']],
      )
      assert.equal(new Sqlite(`${file}.backup`).prepare('SELECT count(*) FROM notifications').pluck().get(), 0)
      await fake.close()
    })

    it('digest: what is unread is mailed once, to those who have an address', () =>
      withHost(async (db, fake) => {
        const { sendDigests } = await recipe('digest.js')
        const mails: string[] = []
        const send = async ({ to, text }: { to: string; text: string }) => void mails.push(`${to}: ${text}`)
        await fake.notify({ to: { user: '1' }, title: 'One', url: '/1' })
        await fake.notify({ to: { users: ['1', '3'] }, title: 'Two' })
        await sendDigests?.(db, fake, send)
        await sendDigests?.(db, fake, send)
        assert.deepEqual(mails, ['ada@example.com: Two\nOne: /1'])
        await fake.notify({ to: { user: '1' }, title: 'Three' })
        await fake.notify({ to: { user: '1' }, title: 'Four' })
        await sendDigests?.(db, fake, send)
        await sendDigests?.(db, fake, send)
        assert.deepEqual(mails.slice(1), ['ada@example.com: Three\nFour'])
      }))

    it('chat: it hears of what is grave, and may be down', () =>
      withHost(async (_db, fake) => {
        const { mirrorToChat } = await recipe('chat.js')
        const posted: string[] = []
        void mirrorToChat?.(fake, async (text: string) => void posted.push(text))
        for (const title of ['All', 'Grave', 'Light']) {
          await fake.notify({ to: title === 'All' ? 'everyone' : { user: '1' }, title, level: title === 'Grave' ? 'error' : 'info', url: '/x' })
        }
        await eventually(
          () => posted.length === 2,
          () => posted.join(),
        )
        assert.deepEqual(posted, ['All /x', 'Grave /x'])
      }))

    it('goodbye: an account that is deleted takes its notifications with it', () =>
      withHost(async (db, fake) => {
        const { deleteAccount } = await recipe('goodbye.js')
        await fake.notify({ to: { user: '1' }, title: 'Mine' })
        const ended: unknown[] = []
        const known = await deleteAccount?.(db, fake, { destroyAllOf: async (id: unknown) => void ended.push(id) }, 1)
        assert.match(JSON.stringify(known), /Mine/)
        assert.deepEqual([ended, (await fake.exportUser('1')).notifications], [[1], []])
      }))

    it('worker: a process without a server sends and ends', async () => {
      const file = installed().file('recipes/worker.db')
      const worker = installed().write('recipes/worker.js', blocksOf('recipes.md').find(({ name }) => name === 'worker.js')?.code ?? '')
      await run(process.execPath, [worker, file])
      const fake = fakeNotifications({ database: file })
      assert.equal((await fake.list('anybody')).items[0]?.title, 'The import is done')
      await fake.close()
    })

    it('are all tried here', () => {
      const names = blocksOf('recipes.md').map(({ name }) => name)
      assert.deepEqual(names, ['mentions.js', 'orders.js', 'maintenance.js', 'nightly.sh', 'digest.js', 'chat.js', 'goodbye.js', 'worker.js'])
    })
  })
}
