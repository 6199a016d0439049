import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import express from 'express'
import { createNotifications } from '../../src/notifications/index.js'
import { fakeNotifications, testTab } from '../../src/notifications/testing.js'
import { blocksOf, blockWith, runBlock } from './blocks.js'
import { type Installed, Person, Running } from './installed.js'

const run = promisify(execFile)
const PAGE = 'embedding.md'

/** What the page's own test is about. */
const COMMENTS = `
export async function publishComment(notifications, { post, by }) {
  if (by === post.author) return
  await notifications.notify({ to: { user: post.author }, title: by + ' commented', url: '/posts/' + post.id })
}`

/** One worker, which is told to end as by PM2: with SIGINT. */
const CLUSTER = `
import cluster from 'node:cluster'
cluster.setupPrimary({ exec: 'worker.js' })
const worker = cluster.fork()
process.once('SIGTERM', () => worker.process.kill('SIGINT'))
worker.once('exit', (code) => process.exit(code ?? 1))`

/** Does what docs/embedding.md says. */
export function describeWalk(installed: () => Installed): void {
  describe('the walk from nothing to a live bell', () => {
    it('works as it is written: sign in twice, poke, stop and start, and ring from a shell, for one and for several', async () => {
      const app = installed().write('walk/app.js', `${blockWith(PAGE, 'pokes you')}\n${blockWith(PAGE, 'SIGTERM')}`)
      let running = await Running.start(app)
      const { port } = new URL(running.url)
      const [ada, bo] = [new Person(running.url), new Person(running.url)]
      await ada.post('/sign-in', { user: 'ada' })
      await bo.post('/sign-in', { user: 'bo' })
      await using tab = await testTab(running.url, { cookie: ada.cookie })
      await bo.post('/poke')
      await tab.unread(1)
      assert.match(await ada.get('/'), /<notification-bell unread="1"/)
      assert.match(await ada.get('/notifications'), /bo pokes you/)

      const ended = once(running.child, 'exit')
      running.child.kill('SIGTERM')
      assert.equal(await tab.ended(), 1012)
      assert.deepEqual(await ended, [0, null], running.output)
      running = await Running.start(app, { PORT: port })
      await using again = running
      await ada.post('/sign-in', { user: 'ada' })
      await using back = await testTab(again.url, { cookie: ada.cookie })
      await back.unread(1)

      const shell = blockWith(PAGE, "INSERT INTO notifications (audience, title) VALUES ('user:ada'")
      await run('sh', ['-c', shell], { cwd: installed().file('walk') })
      await back.unread(2, { within: 1000 })
      await run('sqlite3', ['app.db', blockWith(PAGE, "VALUES ('users'")], { cwd: installed().file('walk') })
      await back.unread(3, { within: 1000 })
    })

    it('ends as a worker of a cluster, too, by the signal that process managers send', async () => {
      installed().write('walk/worker.js', `${blockWith(PAGE, 'pokes you')}\n${blockWith(PAGE, 'SIGTERM')}`)
      await using primary = await Running.start(installed().write('walk/cluster.js', CLUSTER))
      const ada = new Person(primary.url)
      await ada.post('/sign-in', { user: 'ada' })
      await using tab = await testTab(primary.url, { cookie: ada.cookie })
      const ended = once(primary.child, 'exit', { signal: AbortSignal.timeout(8000) })
      primary.child.kill('SIGTERM')
      assert.equal(await tab.ended(), 1012)
      assert.deepEqual(await ended, [0, null], primary.output)
    })

    it('installs no more than its commands say', () => {
      const [commands] = blocksOf(PAGE).filter(({ language }) => language === 'sh')
      assert.match(commands?.code ?? '', /^npm init -y\nnpm pkg set type=module\nnpm install belfry express express-session\n$/)
      const imported = [...blockWith(PAGE, 'pokes you').matchAll(/from '([^']+)'/g)].map(([, name]) => name)
      assert.deepEqual(imported, ['node:http', 'belfry', 'express', 'express-session'])
    })

    it('tests a host as it says', async () => {
      installed().write('walk/comments.js', COMMENTS)
      const file = installed().write('walk/fake.test.js', blocksOf(PAGE).find(({ name }) => name === 'fake.test.js')?.code ?? '')
      const { NODE_TEST_CONTEXT: _, ...env } = process.env
      await run(process.execPath, ['--test', file], { env })
      const fake = fakeNotifications()
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      await runBlock(blockWith(PAGE, 'await tab.unread(1)'), { fake, server, testTab })
      await fake.close()
      server.close()
    })

    it('stores with a comment as it says', async () => {
      const db = new Sqlite(':memory:')
      db.exec('CREATE TABLE comments (post, author, text)')
      const notifications = createNotifications({ database: db, session: (_req, _res, next) => next(), identify: () => null })
      const given = { db, notifications, post: { id: 1, author: 7 }, author: { id: 8, name: 'bo' }, text: 'Well said!' }
      await runBlock(blockWith(PAGE, 'await sent'), given)
      assert.equal((await notifications.list('7')).items[0]?.title, 'bo commented')
      await notifications.close()
    })

    it('mounts below a prefix as it says', async () => {
      const options = { database: ':memory:', session: () => {}, identify: () => null }
      const sub = express()
      const mount = `${blockWith(PAGE, "basePath: '/tool/notifications'")}\nreturn notifications`
      const notifications = (await runBlock(mount, { createNotifications, options, sub })) as ReturnType<typeof createNotifications>
      assert.equal(notifications.basePath, '/tool/notifications')
      await notifications.close()
    })
  })
}
