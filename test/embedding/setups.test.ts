import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { build } from 'esbuild'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import session, { MemoryStore } from 'express-session'
import { Registry } from 'prom-client'
import {
  createNotifications,
  InvalidError,
  type Notifications,
  type NotificationsOptions,
  SchemaError,
  type State,
} from '../../src/notifications/index.js'
import { sessionCookie } from '../../src/notifications/testing.js'
import { openRaw, upgrade } from '../helpers/raw-upgrade.js'
import { Folder, Served, sessions } from './served.js'

declare global {
  namespace Express {
    interface Request {
      person?: string
    }
  }
}

interface Set {
  readonly notifications: Notifications
  /** What the host was told. */
  readonly told: string[]
}

/** The plugin as a test wants it, and what it says. */
function set(options: Pick<NotificationsOptions, 'session'> & Partial<NotificationsOptions>): Set {
  const told: string[] = []
  const say = (_details: object, message: string) => void told.push(message)
  const notifications = createNotifications({
    database: ':memory:',
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
    logger: { info() {}, warn: say, error: say },
    ...options,
  })
  return { notifications, told }
}

function serve(app: express.Express, notifications: Notifications): Promise<Served> {
  app.use(notifications.basePath, notifications.router())
  return Served.start(app, (server) => notifications.attach(server), notifications)
}

const bell: RequestHandler = (_req, res) => void res.send(`[${res.locals.notifications.bell()}]`)

describe('a host whose sessions are for a part of it only', () => {
  const secret = 'of a part'
  const part = (store: MemoryStore) => session({ secret, store, resave: false, saveUninitialized: false, cookie: { path: '/app' } })

  it('has a bell there, and nobody elsewhere', async () => {
    const store = new MemoryStore()
    const middleware = part(store)
    const { notifications, told } = set({ session: middleware, basePath: '/app/notifications' })
    const app = express().use(middleware, notifications.middleware()).get(['/hello', '/app'], bell)
    await using served = await serve(app, notifications)
    const cookie = await sessionCookie({ store, secret, data: { user: 'ada' } })
    const elsewhere = await served.get('/hello', cookie)
    assert.deepEqual([elsewhere.status, await elsewhere.text()], [200, '[]'])
    assert.match(await (await served.get('/app', cookie)).text(), /notification-bell/)
    assert.deepEqual(told, [])
  })

  it('is told of an outage there as of any other', async () => {
    const store = new MemoryStore()
    const middleware = part(store)
    const { notifications, told } = set({ session: middleware, basePath: '/app/notifications' })
    const app = express().use(middleware, notifications.middleware()).get(['/hello', '/app'], bell)
    await using served = await serve(app, notifications)
    store.emit('disconnect')
    for (const path of ['/hello', '/app']) assert.equal((await served.get(path)).status, 503)
    assert.match(told.join(), /its store does not answer/)
  })
})

describe('a host whose sign-in keeps its session elsewhere', () => {
  it('is told that there is no req.session', async () => {
    // As express-openid-connect does it.
    const elsewhere: RequestHandler = (req, _res, next) => {
      Object.assign(req, { appSession: { from: req.get('host') } })
      next()
    }
    const { notifications, told } = set({ session: elsewhere })
    await using served = await serve(express().use(elsewhere, notifications.middleware()).get('/', bell), notifications)
    assert.equal((await served.get('/')).status, 503)
    assert.match(told.join(), /the middleware given as session sets no req.session/)
  })
})

describe('a host whose own page says what went wrong', () => {
  it('has a head and no bell for it, where nobody can tell who is there', async () => {
    const { middleware } = sessions()
    const identify = () => Promise.reject(new Error('the table of people is gone'))
    const { notifications } = set({ session: middleware, identify })
    const failed: ErrorRequestHandler = (error, _req, res, _next) => {
      const { head, bell } = res.locals.notifications
      res.status(500).send(`${error.message} ${/stylesheet/.test(head())} [${bell()}]`)
    }
    const app = express().use(middleware, notifications.middleware()).get('/', bell).use(failed)
    await using served = await Served.start(app, undefined, notifications)
    assert.equal(await (await served.get('/')).text(), 'the table of people is gone true []')
  })

  it('has them in its layout for the pages of ours, also without the middleware', async () => {
    const { middleware } = sessions()
    const layout: NotificationsOptions['layout'] = ({ body, res }) => `[${res.locals.notifications.bell()}] ${body}`
    const { notifications } = set({ session: middleware, layout })
    await using served = await serve(express().use(middleware), notifications)
    const answer = await served.get('/notifications', '', { accept: 'text/html' })
    assert.equal(answer.status, 401)
    assert.match(await answer.text(), /^\[\] .*Sign in/s)
  })
})

describe('a host whose live connections are refused', () => {
  it('is told once from where, and what to do about it', async () => {
    const { middleware, signIn } = sessions()
    const { notifications, told } = set({ session: middleware })
    await using served = await serve(express().use(middleware), notifications)
    const cookie = await signIn('ada')
    for (let n = 0; n < 3; n++) await assert.rejects(served.tab({ cookie, origin: 'https://app.example' }), /403/)
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', new RegExp(`a page of https://app.example, as only pages of ${served.url} may .* trustProxy`))
  })

  it('is told once that identify needs what has not run at a socket', async () => {
    const { middleware, signIn } = sessions()
    const { notifications, told } = set({ session: middleware, identify: (req) => (req.person === undefined ? null : { id: req.person }) })
    const passport: RequestHandler = (req, _res, next) => {
      if (req.session.user !== undefined) req.person = req.session.user
      next()
    }
    await using served = await serve(express().use(middleware, passport), notifications)
    const cookie = await signIn('ada')
    await assert.rejects(served.tab({ cookie }), /401/)
    assert.deepEqual(told, [], 'that could be anybody')
    assert.equal((await served.get('/notifications/unread', cookie)).status, 200)
    for (let n = 0; n < 3; n++) await assert.rejects(served.tab({ cookie }), /401/)
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /identify must need nothing else/)
  })

  it('is told nothing of those who have signed out since, whether or not it keeps their session', async () => {
    const { middleware, signIn } = sessions()
    const { notifications, told } = set({ session: middleware })
    const app = express().use(middleware)
    app.post('/sign-out', ({ session }, res) => void session.destroy(() => res.send('out')))
    app.post('/leave', ({ session }, res) => {
      delete session.user
      res.send('out')
    })
    await using served = await serve(app, notifications)
    for (const way of ['/sign-out', '/leave']) {
      const cookie = await signIn('ada')
      assert.equal((await served.get('/notifications/unread', cookie)).status, 200)
      await served.post(way, cookie)
      if (way === '/leave') assert.equal((await served.get('/notifications/unread', cookie)).status, 401)
      for (let n = 0; n < 3; n++) await assert.rejects(served.tab({ cookie }), /401/)
    }
    assert.deepEqual(told, [])
  })

  it('is told nothing of a page that is still that of whoever was signed in before', async () => {
    const { middleware, signIn } = sessions()
    const { notifications, told } = set({ session: middleware })
    const app = express().use(middleware, notifications.middleware()).get('/', bell)
    await using served = await serve(app, notifications)
    const page = await (await served.get('/', await signIn('ada'))).text()
    const cookie = await signIn('bo')
    assert.equal((await served.get('/', cookie)).status, 200)
    const path = `/notifications/socket?belfry-for=${/data-user="([^"]+)"/.exec(page)?.[1]}`
    const answer = await upgrade({ port: Number(new URL(served.url).port), path, headers: { Cookie: cookie } })
    assert.equal(answer.status, 401)
    assert.equal((await served.get('/', cookie)).status, 200)
    assert.deepEqual(told, [])
  })
})

describe('a form that comes in slowly', () => {
  it('changes nothing when its session has ended meanwhile', async () => {
    const { middleware, signIn } = sessions()
    let asked = () => {}
    const begun = new Promise<void>((resolve) => {
      asked = resolve
    })
    const identify: NotificationsOptions['identify'] = ({ session: { user } }) => {
      asked()
      return user === undefined ? null : { id: user }
    }
    const { notifications } = set({ session: middleware, identify })
    const app = express().use(middleware)
    app.post('/sign-out', (req, res) => req.session.destroy(() => void res.send('out')))
    await using served = await serve(app, notifications)
    const cookie = await signIn('ada')
    await notifications.notify({ to: { user: 'ada' }, title: 'Unread' })
    const { items } = await notifications.list('ada')
    const body = `upTo=${items[0]?.cursor}`
    const socket = await openRaw(Number(new URL(served.url).port))
    const head = [`POST /notifications/read-all HTTP/1.1`, `Host: ${new URL(served.url).host}`, `Origin: ${served.url}`, `Cookie: ${cookie}`]
    const type = [
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      'Accept: application/json',
      'Connection: close',
    ]
    socket.write(`${[...head, ...type].join('\r\n')}\r\n\r\n${body.slice(0, 3)}`)
    await begun
    assert.equal((await served.post('/sign-out', cookie)).status, 200)
    socket.write(body.slice(3))
    const answer = Buffer.concat(await socket.toArray()).toString()
    assert.match(answer, /^HTTP\/1.1 401 /)
    assert.equal(await notifications.unreadCount('ada'), 1)
  })
})

describe('what is asked of it by mistake', () => {
  it('is refused in a sentence, and nothing is done', async () => {
    const { notifications } = set({ session: sessions().middleware })
    await notifications.notify({ to: { user: 'ada' }, title: 'Unread' })
    const asked = notifications as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
    for (const [name, ...given] of [
      ['markAllAsRead', 'ada'],
      ['markAllAsRead', 'ada', {}],
      ['markAsRead', 'ada'],
      ['markAsRead', 'ada', 5],
      ['archive', 'ada', [5]],
      ['disconnect'],
      ['disconnect', {}],
      ['disconnect', 'ada'],
    ] as const)
      await assert.rejects(async () => asked[name]?.(...given), InvalidError, name)
    await assert.rejects(notifications.notify({ to: { user: 'ada' }, title: 'Leap', publishAt: '2027-02-29T09:00:00Z' }), InvalidError)
    assert.equal(await notifications.unreadCount('ada'), 1)
    await notifications.close()
  })
})

describe('a host that closes it', () => {
  it('gets its session store and its registry back as they were, and can begin again with both', async () => {
    const store = new MemoryStore()
    const registry = new Registry()
    const { middleware } = sessions(store)
    const { destroy, touch, clear } = store
    for (let n = 0; n < 2; n++) {
      const { notifications } = set({ session: middleware, registry })
      await using served = await serve(express().use(middleware), notifications)
      await served.get('/notifications/unread')
      assert.notEqual(store.destroy, destroy)
      await notifications.close()
      assert.deepEqual([store.destroy, store.touch, store.clear], [destroy, touch, clear])
      assert.equal(registry.getMetricsAsArray().length, 0)
    }
  })
})

describe('a host whose database could not be opened', () => {
  it('can try again with the same registry', async () => {
    using folder = new Folder()
    const foreign = new Sqlite(folder.file('foreign.db'))
    foreign.exec('CREATE TABLE notifications (x)')
    foreign.close()
    const registry = new Registry()
    const { middleware } = sessions()
    assert.throws(() => set({ session: middleware, registry, database: folder.file('foreign.db') }), SchemaError)
    const { notifications } = set({ session: middleware, registry, database: folder.file('app.db') })
    assert.equal(await notifications.unreadCount('ada'), 0)
    await notifications.close()
  })
})

describe('while nothing can be written', () => {
  it('what is opened is shown, and stays unread', async () => {
    using folder = new Folder()
    const { middleware, signIn } = sessions()
    const { notifications, told } = set({ session: middleware, database: folder.file('app.db') })
    await using served = await serve(express().use(middleware), notifications)
    const cookie = await signIn('ada')
    const { id } = await notifications.notify({ to: { user: 'ada' }, title: 'Read me' })
    const outsider = new Sqlite(folder.file('app.db'))
    outsider.exec('BEGIN IMMEDIATE')
    const answer = await served.get(`/notifications/${id}`, cookie, { accept: 'text/html' })
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /Read me/)
    assert.equal(((await (await served.get('/notifications/unread', cookie)).json()) as State).unread, 1)
    assert.match(told.join(), /could not be marked as read/)
    outsider.close()
  })
})

describe('a host with parsers of its own', () => {
  it('has assets that may be kept for good also without a parser for queries', async () => {
    const { middleware } = sessions()
    const { notifications } = set({ session: middleware })
    const app = express().use(middleware, notifications.middleware()).set('query parser', false)
    app.get('/', (_req, res) => void res.send(res.locals.notifications.head()))
    await using served = await serve(app, notifications)
    const href = /src="([^"]+)"/.exec(await (await served.get('/')).text())?.[1] ?? ''
    assert.match((await served.get(href)).headers.get('cache-control') ?? '', /immutable/)
    assert.match((await served.get(href.replace(/v=.*/, 'v=other'))).headers.get('cache-control') ?? '', /no-cache/)
  })

  it('is told where one of them has read a form as something else', async () => {
    const { middleware, signIn } = sessions()
    const { notifications } = set({ session: middleware })
    const app = express().use(express.raw({ type: () => true }), middleware)
    await using served = await serve(app, notifications)
    const headers = { cookie: await signIn('ada'), origin: served.url, 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(`${served.url}/notifications/read-all`, { method: 'POST', headers, body: 'upTo=1' })
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /must be a form or a JSON object/)
  })
})

describe('a host that bundles it', () => {
  for (const format of ['esm', 'cjs'] as const)
    it(`is told to leave it out (${format})`, async () => {
      // Below the packages, since it finds those by where it is.
      const folder = fileURLToPath(new URL(`../../node_modules/.cache/belfry/bundled-${process.pid}/`, import.meta.url))
      const host = `import { createNotifications } from './src/notifications/index.js'
        createNotifications({ database: ':memory:', session: (_req, _res, next) => next(), identify: () => null })`
      const stdin = { contents: host, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) }
      const outfile = `${folder}server.${format === 'esm' ? 'mjs' : 'cjs'}`
      try {
        await build({ stdin, outfile, bundle: true, platform: 'node', format, packages: 'external', logLevel: 'error' })
        const { stderr } = await promisify(execFile)(process.execPath, [outfile]).catch((error: { stderr: string }) => error)
        assert.match(stderr, /OptionError: Belfry does not find its own files .* leave belfry out of the bundle/)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
})
