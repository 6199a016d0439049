import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestOptions, request, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import cookieSession from 'cookie-session'
import express, { type Express, type RequestHandler } from 'express'
import type session from 'express-session'
import { Store } from 'express-session'
import WebSocket, { WebSocketServer } from 'ws'
import { createNotifications, type ItemPage, type Notifications, type NotificationsOptions, type State } from '../../src/notifications/index.js'
import { eventually } from '../helpers/eventually.js'
import { openRaw } from '../helpers/raw-upgrade.js'
import { Served, sessions, strippingProxy } from './served.js'

interface Built {
  readonly app: Express
  readonly notifications: Notifications
  readonly signIn: (user: string) => Promise<string>
}

/** The ordinary host, but for what a test is about. */
function build(
  options: Partial<NotificationsOptions> & { store?: Store } = {},
  mount: (app: Express, n: Notifications) => void = (app, n) => app.use(n.basePath, n.router()),
): Built {
  const { store, ...given } = options
  const { middleware, signIn } = sessions(store)
  const notifications = createNotifications({
    database: ':memory:',
    session: middleware,
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
    ...given,
  })
  const app = express()
  app.use(middleware, notifications.middleware())
  app.get(/\/page$/, (_req, res) => void res.send(`${res.locals.notifications.head()}${res.locals.notifications.bell()}`))
  mount(app, notifications)
  return { app, notifications, signIn }
}

function serve({ app, notifications }: Built, before?: (server: Server) => void, after?: (server: Server) => void): Promise<Served> {
  const prepare = (server: Server) => {
    before?.(server)
    notifications.attach(server)
    after?.(server)
  }
  return Served.start(app, prepare, notifications)
}

/** A request with whatever headers; its answer. */
async function spoken({ url }: Served, options: RequestOptions, body?: string): Promise<{ status: number | undefined; body: string }> {
  const sent = request(url, options).end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, body: Buffer.concat(await answer.toArray()).toString() }
}

/** Where a page leads: all links, forms and files, without the empty row that the client fills. */
const links = (html: string) =>
  [...html.replace(/<template[\s\S]*<\/template>/, '').matchAll(/\s(?:href|src|action|data-base)="([^"#]+)"/g)].map(([, href]) => href ?? '')

describe('where a host mounts it', () => {
  it('any base path has pages, JSON, assets and sockets below it, and no link leads elsewhere', async () => {
    const host = build({ basePath: '/my/in-box.v2' })
    await using served = await serve(host)
    const cookie = await host.signIn('ada')
    await using tab = await served.tab({ cookie, basePath: '/my/in-box.v2' })
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Here' })
    await tab.unread(1)
    const page = await (await served.get('/my/in-box.v2', cookie, { accept: 'text/html' })).text()
    assert.deepEqual(
      links(page).filter((href) => !href.startsWith('/my/in-box.v2')),
      [],
    )
    const bell = await (await served.get('/page', cookie)).text()
    for (const href of links(bell).filter((link) => link.includes('/assets/'))) assert.equal((await served.get(href)).status, 200, href)
    assert.equal((await served.get('/notifications', cookie)).status, 404)
  })

  it('an app below a prefix of another app works by the whole path', async () => {
    const whole = build({ basePath: '/tool/notifications' }, () => {})
    const tool = express().use('/notifications', whole.notifications.router())
    whole.app.use('/tool', tool)
    await using served = await serve(whole)
    const cookie = await whole.signIn('ada')
    await using tab = await served.tab({ cookie, basePath: '/tool/notifications' })
    const sent = await whole.notifications.notify({ to: { user: 'ada' }, title: 'Below' })
    await tab.unread(1)
    const marked = await served.post(`/tool/notifications/${sent.id}/read`, cookie, { accept: 'text/html' })
    assert.deepEqual([marked.status, marked.headers.get('location')], [303, '/tool/notifications'])
    await tab.unread(0)
    const page = await (await served.get('/tool/notifications', cookie, { accept: 'text/html' })).text()
    assert.deepEqual(
      links(page).filter((href) => !href.startsWith('/tool/notifications')),
      [],
    )
  })

  it('behind a proxy that takes a prefix off, links and the client use the path that browsers know', async () => {
    const host = build({ publicPath: '/tool/notifications', signInPath: '/tool/sign-in' })
    await using served = await serve(host)
    await using proxy = await strippingProxy(served, '/tool')
    const cookie = await host.signIn('ada')
    const sent = await host.notifications.notify({ to: { user: 'ada' }, title: 'Through' })
    const page = await (await proxy.get('/tool/notifications', cookie, { accept: 'text/html' })).text()
    assert.ok(page.includes('Through'))
    assert.deepEqual(
      links(page).filter((href) => !href.startsWith('/tool/notifications')),
      [],
    )
    const bell = await (await proxy.get('/tool/page', cookie)).text()
    assert.ok(links(bell).includes('/tool/notifications'), bell)
    await using tab = await proxy.tab({ cookie, basePath: '/tool/notifications' })
    const marked = await proxy.post(`/tool/notifications/${sent.id}/read`, cookie, { accept: 'text/html' })
    assert.deepEqual([marked.status, marked.headers.get('location')], [303, '/tool/notifications'])
    await tab.unread(0)
    const out = await proxy.get('/tool/notifications?filter=unread', '', { accept: 'text/html' })
    assert.equal(out.headers.get('location'), `/tool/sign-in?next=${encodeURIComponent('/tool/notifications?filter=unread')}`)
  })
})

describe('requests that offer another protocol', () => {
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' }

  it('are answered by the host as if they did not, as before the bell was there', async () => {
    const host = build()
    host.app.post(
      '/echo',
      express.text(),
      (req, res) => void res.json({ body: req.body, connection: req.get('connection'), upgrade: req.get('upgrade') ?? null }),
    )
    await using served = await serve(host)
    assert.deepEqual(await spoken(served, { path: '/page', headers: offer }), { status: 200, body: await (await served.get('/page')).text() })
    const headers = { ...offer, connection: 'close, Upgrade', 'content-type': 'text/plain', 'content-length': 4 }
    const body = JSON.stringify({ body: 'dö!', connection: 'close', upgrade: null })
    assert.deepEqual(await spoken(served, { path: '/echo', method: 'POST', headers }, 'dö!'), { status: 200, body })
  })

  it('are refused where they have more headers than Node takes, so that no body is taken for a request', async () => {
    const host = build()
    const seen: string[] = []
    host.app.use((req, res) => {
      seen.push(req.url)
      res.end()
    })
    await using served = await serve(host)
    const socket = await openRaw(Number(new URL(served.url).port))
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n'
    const filling = 'a: b\r\n'.repeat(2100)
    socket.write(
      `POST /front HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${filling}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
    )
    const answer = await text(socket)
    assert.match(answer, /^HTTP\/1.1 431 /)
    assert.deepEqual(seen, [])
  })

  it('are answered in their turn where they were sent ahead, however long they take', async () => {
    const host = build()
    host.app.get('/slow/:which', async (req, res) => {
      await pause(req.params.which === 'three' ? 1300 : 100)
      res.end(`slow ${req.params.which}`)
    })
    await using served = await serve(host)
    // Node adds a second to it: still shorter than the answer takes.
    served.server.keepAliveTimeout = 1
    const socket = await openRaw(Number(new URL(served.url).port))
    const ask = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
    const offered = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQC\r\n'
    socket.write(ask('/slow/one') + ask('/slow/two') + ask('/slow/three', offered) + ask('/slow/four', 'Connection: close\r\n'))
    const answers = await text(socket)
    assert.deepEqual(answers.match(/slow (?:one|two|three|four)/g), ['slow one', 'slow two', 'slow three', 'slow four'])
  })

  it('are 404 where what they offer is a WebSocket that nobody opens', async () => {
    await using served = await serve(build())
    assert.equal((await spoken(served, { path: '/page', headers: { connection: 'Upgrade', upgrade: 'websocket' } })).status, 404)
  })
})

describe('beside another WebSocket server', () => {
  const orders = { 'that was there first': 'before', 'that comes later': 'after' } as const
  for (const [words, order] of Object.entries(orders)) {
    it(`one ${words} and takes only its own path keeps it, and the bell has its own`, async () => {
      const host = build()
      let chat: WebSocketServer | undefined
      const open = (server: Server) => {
        chat = new WebSocketServer({ server, path: '/chat' })
        chat.on('connection', (socket) => socket.on('message', (text) => socket.send(`echo ${text}`)))
      }
      await using served = await (order === 'before' ? serve(host, open) : serve(host, undefined, open))
      await using tab = await served.tab({ cookie: await host.signIn('ada') })
      assert.equal(await echo(served.url, '/chat', 'hello'), 'echo hello')
      await host.notifications.notify({ to: { user: 'ada' }, title: 'Both' })
      await tab.unread(1)
      await assert.rejects(echo(served.url, '/elsewhere', 'x'), /400/, 'a path of nobody is answered by the other server, as without us')
      chat?.close()
    })
  }

  it('one that is told by hand what is its own keeps working after the bell has gone', async () => {
    const host = build()
    const chat = new WebSocketServer({ noServer: true })
    chat.on('connection', (socket) => socket.on('message', (text) => socket.send(`echo ${text}`)))
    const own = (server: Server) =>
      server.on('upgrade', (req, socket, head) => {
        if (req.url === '/chat') chat.handleUpgrade(req, socket, head, (peer) => chat.emit('connection', peer, req))
      })
    await using served = await serve(host, own)
    assert.equal(await echo(served.url, '/chat', 'one'), 'echo one')
    await host.notifications.close()
    assert.equal(await echo(served.url, '/chat', 'two'), 'echo two')
    chat.close()
  })

  it('two bells on one server, one of them attached while it listens, do not hear of one another', async () => {
    const [one, two] = [build(), build({ basePath: '/second' })]
    await using served = await serve(one)
    two.notifications.attach(served.server)
    await using first = await served.tab({ cookie: await one.signIn('ada') })
    await using second = await served.tab({ cookie: await two.signIn('ada'), basePath: '/second' })
    await one.notifications.notify({ to: { user: 'ada' }, title: 'First' })
    await first.unread(1)
    await two.notifications.close()
    assert.equal(await second.ended(), 1012)
    assert.equal(second.state.unread, 0)
    await one.notifications.notify({ to: { user: 'ada' }, title: 'Second' })
    await first.unread(2)
  })

  it('where there is no other, a path of nobody is 404', async () => {
    await using served = await serve(build())
    await assert.rejects(echo(served.url, '/chat', 'x'), /404/)
  })
})

describe('a host that ends', () => {
  it('lets a request that is being answered notify, and tells sockets at once', async () => {
    const host = build()
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const begun = new Promise<void>((resolve) => {
      host.app.post('/slow', async (_req, res) => {
        resolve()
        await gate
        res.json((await host.notifications.notify({ to: { user: 'ada' }, title: 'In time' })).title)
      })
    })
    await using served = await serve(host)
    await using tab = await served.tab({ cookie: await host.signIn('ada') })
    const answer = served.post('/slow')
    await begun
    served.server.close()
    const closed = host.notifications.close()
    assert.equal(await tab.ended(), 1012)
    assert.equal(await Promise.race([closed.then(() => 'closed'), pause(200, 'waits')]), 'waits')
    goOn()
    assert.deepEqual([(await answer).status, await (await answer).json()], [200, 'In time'])
    await closed
    await assert.rejects(host.notifications.notify({ to: 'everyone', title: 'Late' }), /closed/)
  })

  it('does not wait for sockets of somebody else, nor for connections on which nothing was asked yet', async () => {
    const host = build()
    await using served = await serve(host)
    const hmr = new WebSocketServer({ server: served.server, path: '/hmr' })
    const theirs = new WebSocket(`${served.url}/hmr`)
    await once(theirs, 'open')
    const ahead = connect(Number(new URL(served.url).port), '127.0.0.1')
    await once(served.server, 'connection')
    const closing = once(theirs, 'close')
    served.server.close()
    const closed = host.notifications.close().then(() => 'closed')
    assert.equal(await Promise.race([closed, pause(3000, 'waits', { ref: false })]), 'closed')
    assert.equal(theirs.readyState, WebSocket.OPEN)
    for (const socket of hmr.clients) socket.terminate()
    ahead.destroy()
    await closing
  })

  it('waits for a request that has come in by half', async () => {
    const host = build()
    host.app.post('/slow', async (_req, res) => void res.json((await host.notifications.notify({ to: { user: 'ada' }, title: 'In time' })).title))
    await using served = await serve(host)
    const slow = connect(Number(new URL(served.url).port), '127.0.0.1')
    slow.write('POST /slow HTTP/1.1\r\nHost: ')
    const [accepted] = (await once(served.server, 'connection')) as [Socket]
    await eventually(() => accepted.bytesRead > 0, 'half of it has come in')
    served.server.close()
    const closed = host.notifications.close()
    assert.equal(await Promise.race([closed.then(() => 'closed'), pause(200, 'waits')]), 'waits')
    slow.write('localhost\r\nSec-Fetch-Site: none\r\nContent-Length: 0\r\n\r\n')
    assert.match(await text(slow), /^HTTP\/1.1 200 [\s\S]*"In time"$/)
    await closed
  })

  it('waits for nobody on a server that goes on', async () => {
    const host = build()
    const begun = new Promise<void>((resolve) => {
      host.app.get('/for-ever', () => resolve())
    })
    await using served = await serve(host)
    const answer = served.get('/for-ever').catch(() => {})
    await begun
    const closed = host.notifications.close().then(() => 'closed')
    assert.equal(await Promise.race([closed, pause(3000, 'waits', { ref: false })]), 'closed')
    await assert.rejects(host.notifications.notify({ to: 'everyone', title: 'Late' }), /closed/)
    served.server.closeAllConnections()
    await answer
  })

  it('and begins again on the same path before the old one has gone keeps the new one', async () => {
    const old = build()
    const { store, middleware } = sessions()
    const again = build({ session: middleware })
    await using served = await serve(old)
    again.notifications.attach(served.server)
    await old.notifications.close()
    const cookie = await sessions(store).signIn('ada')
    await using tab = await served.tab({ cookie })
    await again.notifications.notify({ to: { user: 'ada' }, title: 'From the new one' })
    await tab.unread(1)
    await again.notifications.close()
  })
})

describe("the host's sessions", () => {
  it('may be in any store: one that answers late, keeps text, and says ENOENT for what is not there', async () => {
    const store = new LateStore()
    const host = build({ store })
    await using served = await serve(host)
    const cookie = await host.signIn('ada')
    await using tab = await served.tab({ cookie })
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Late' })
    await tab.unread(1)
    const [id] = store.kept.keys()
    await new Promise((resolve) => store.destroy(id ?? '', resolve))
    assert.equal(await tab.ended(), 4401)
    await assert.rejects(served.tab({ cookie }), /401/)
  })

  it('may be regenerated by the host: the old socket ends, the new session opens one', async () => {
    const { middleware } = sessions()
    const host = build({ session: middleware })
    const app = express().use(middleware)
    app.get('/sign-in', (req, res) =>
      req.session.regenerate(() => {
        req.session.user = 'ada'
        res.send('in')
      }),
    )
    await using served = await Served.start(app, (server) => host.notifications.attach(server), host.notifications)
    const first = cookieOf(await served.get('/sign-in'))
    await using tab = await served.tab({ cookie: first })
    app.use(host.notifications.middleware())
    const second = cookieOf(await served.get('/sign-in', first))
    assert.equal(await tab.ended(), 4401)
    await using next = await served.tab({ cookie: second })
    assert.equal(next.state.unread, 0)
  })
})

describe('a host that has set up something else than it thinks', () => {
  async function told(
    mount: (app: Express, n: Notifications) => void,
    visit: (served: Served, cookie: string) => Promise<unknown>,
  ): Promise<string[]> {
    const warnings: string[] = []
    const host = build({ logger: { info() {}, warn: (_details, message) => void warnings.push(message), error() {} } }, mount)
    await using served = await Served.start(host.app, undefined, host.notifications)
    const cookie = await host.signIn('ada')
    for (let n = 0; n < 2; n++) await visit(served, cookie)
    return warnings
  }
  const usual = (app: Express, n: Notifications) => void app.use(n.basePath, n.router())
  const handshake = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' }

  it('is told once that attach was forgotten, as browsers make do without live connections', async () => {
    const upgrade = { ...handshake, Connection: 'Upgrade', Upgrade: 'websocket' }
    const said = await told(usual, (served, cookie) => served.statusOf('/notifications/socket', { ...upgrade, cookie }))
    assert.match(said.join(), /^a live connection could not be opened, [^,]*: attach\(server\) was not called for this server$/)
  })

  for (const [what, passed] of [
    ['upgrades', {}],
    ['Connection, though it passes Upgrade', { Connection: 'close', Upgrade: 'websocket' }],
  ] as const)
    it(`is told once that its proxy does not pass ${what}`, async () => {
      const said = await told(usual, (served, cookie) => served.statusOf('/notifications/socket', { ...handshake, ...passed, cookie }))
      assert.match(said.join(), /^a live connection could not be opened, [^,]*: a proxy in front does not pass Upgrade and Connection$/)
    })

  it('is told nothing when somebody only looks at the address of live connections', async () => {
    assert.deepEqual(await told(usual, (served, cookie) => served.get('/notifications/socket', cookie)), [])
  })

  for (const [where, path] of [
    ['at /bell', '/bell'],
    ['without a path', '/'],
  ] as const)
    it(`is told once that the router is mounted ${where}, and basePath says something else`, async () => {
      const elsewhere = (app: Express, n: Notifications) => void app.use(path, n.router())
      const said = await told(elsewhere, (served, cookie) => served.get(path, cookie))
      assert.deepEqual(said, [
        `the router is mounted ${where}, but links and live connections go to /notifications: set basePath to where it is mounted`,
      ])
    })

  it('is told nothing of a path that is typed in capitals', async () => {
    assert.deepEqual(await told(usual, (served, cookie) => served.get('/Notifications', cookie)), [])
  })
})

describe('a host that does not say in time who is there', () => {
  it('has streams refused with 503, as a socket is', { timeout: 30_000 }, async () => {
    const { middleware } = sessions()
    const never = new Promise<null>(() => {})
    const { notifications, signIn } = build({ session: middleware, identify: () => never }, () => {})
    const app = express().use(middleware).use(notifications.basePath, notifications.router())
    await using served = await Served.start(app, undefined, notifications)
    const answer = await served.get('/notifications/stream', await signIn('ada'))
    assert.equal(answer.status, 503)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
  })
})

describe('a host that mounts the session middleware too late', () => {
  it('is told so once, and its visitors get 503 and not the page of somebody who is signed out', async () => {
    const warnings: string[] = []
    const say = (_details: object, message: string) => void warnings.push(message)
    const { middleware } = sessions()
    const host = build({ session: middleware, logger: { info() {}, warn: say, error: say } }, () => {})
    const app = express().use(host.notifications.basePath, host.notifications.router()).use(middleware)
    await using served = await Served.start(app, undefined, host.notifications)
    for (let n = 0; n < 3; n++) {
      const answer = await served.get('/notifications/unread')
      assert.equal(answer.status, 503)
      assert.match(await answer.text(), /The session middleware is not mounted before middleware\(\) and router\(\)/)
    }
    assert.equal(warnings.filter((text) => /the session middleware is not mounted before/.test(text)).length, 1)
  })
})

describe('a host that keeps its sessions in their cookies', () => {
  for (const ahead of [false, true])
    it(`has pages and polls${ahead ? ', those ahead of the app included' : ''}; of live connections it is told why there are none`, async () => {
      const told: unknown[] = []
      const say = ({ err }: { err?: Error }) => void told.push(err?.message)
      const session = cookieSession({ name: 'who', keys: ['a secret'] }) as RequestHandler
      const { notifications } = build({ session, logger: { info() {}, warn: say, error: say } }, () => {})
      const app = express().use(session)
      app.get('/sign-in', (req, res) => {
        req.session.user = 'ada'
        res.send('in')
      })
      app.use(notifications.basePath, notifications.router())
      const listener = ahead ? notifications.ahead(app) : app
      await using served = await Served.start(listener, (server) => notifications.attach(server), notifications)
      const cookie = (await served.get('/sign-in')).headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
        .join('; ')
      await notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
      for (let n = 0; n < 2; n++) assert.equal(((await (await served.get('/notifications/unread', cookie)).json()) as State).unread, 1)
      assert.match(await (await served.get('/notifications', cookie, { accept: 'text/html' })).text(), /Hello/)
      assert.deepEqual(told, [])
      await assert.rejects(served.tab({ cookie }), /503/)
      assert.equal((await served.get('/notifications/stream', cookie)).status, 503)
      assert.equal(told.length, 2)
      for (const sentence of told) assert.match(String(sentence), /must be express-session/)
    })
})

describe("the host's users", () => {
  const ids = [
    '7',
    '00000000-0000-4000-8000-0123456789ab',
    'Žofie 🦉',
    'org:7:user:8',
    'o\'hara"; --',
    '../../%2e',
    ' padded ',
    '__proto__',
    'everyone',
  ]
  it('may have any ids, and nobody gets what is for a similar one', async () => {
    const host = build()
    await using served = await serve(host)
    for (const [at, id] of ids.entries()) for (let n = 0; n <= at; n++) await host.notifications.notify({ to: { user: id }, title: `for ${at}` })
    for (const [at, id] of ids.entries()) {
      const cookie = await host.signIn(id)
      await using tab = await served.tab({ cookie })
      await tab.unread(at + 1)
      const list = (await (await served.get('/notifications', cookie, { accept: 'application/json' })).json()) as ItemPage
      assert.deepEqual([...new Set(list.items.map((item) => item.title))], [`for ${at}`])
      await host.notifications.markAllAsRead(id, { upTo: list.items[0]?.cursor ?? '' })
      await tab.unread(0)
    }
  })

  it('may be in several topics at once, and have what is for each of them from the time they joined', async () => {
    const topics = new Map([
      ['ada', ['role:editor', 'project:7']],
      ['bo', ['project:7']],
    ])
    const { middleware, signIn } = sessions()
    const identify = (id: string) => ({ id, topics: topics.get(id) ?? [] })
    const host = build({
      session: middleware,
      identify: (req) => (req.session.user === undefined ? null : identify(req.session.user)),
      topicsOf: identify,
    })
    await using served = await serve(host)
    await using ada = await served.tab({ cookie: await signIn('ada') })
    await using bo = await served.tab({ cookie: await signIn('bo') })
    await host.notifications.notify({ to: { topic: 'role:editor' }, title: 'To editors' })
    await host.notifications.notify({ to: { topic: 'project:7' }, title: 'To the project' })
    await host.notifications.notify({ to: 'everyone', title: 'To all' })
    await ada.unread(3)
    await bo.unread(2)
    topics.set('bo', ['role:editor'])
    await host.notifications.refresh('bo')
    await bo.unread(2)
    assert.deepEqual(
      (await host.notifications.list('bo')).items.map((item) => item.title),
      ['To all', 'To editors'],
    )
  })
})

describe("the host's pages", () => {
  it('keep their view engine, their settings and their Content-Security-Policy', async () => {
    const policy = "default-src 'none'; script-src 'self'; style-src 'self'"
    const host = build()
    const app = express()
    app.engine('text', (_path, _options, done) => done(null, 'rendered by the host'))
    app.set('view engine', 'text')
    app.set('views', import.meta.dirname)
    const settings = { ...app.settings }
    app.use((_req, res, next) => {
      res.set('Content-Security-Policy', policy)
      next()
    })
    app.get('/own', (_req, res) => res.render('mounts.test.ts'))
    app.use(host.app)
    await using served = await Served.start(app, undefined, host.notifications)
    const cookie = await host.signIn('ada')
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Seen' })
    const inbox = await served.get('/notifications', cookie, { accept: 'text/html' })
    assert.equal(inbox.headers.get('content-security-policy'), policy)
    assert.deepEqual({ ...app.settings }, settings)
    const html = await inbox.text()
    assert.ok(html.includes('Seen'))
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i, 'nothing inline, so that a strict policy has nothing to refuse')
  })

  it('may be rendered by an engine of which we know nothing', async () => {
    const host = build()
    host.app.set('views', import.meta.dirname)
    host.app.get('/own', (_req, res) => res.render('served.ts'))
    host.app.engine('ts', (_path, options, done) => done(null, `<header>${Reflect.get(options, 'notifications').bell()}</header>`))
    await using served = await serve(host)
    await host.notifications.notify({ to: { user: 'ada' }, title: 'One' })
    const html = await (await served.get('/own', await host.signIn('ada'))).text()
    assert.match(html, /<header><notification-bell unread="1"/)
  })
})

async function echo(url: string, path: string, text: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws') + path)
  await once(socket, 'open')
  socket.send(text)
  const [answer] = await once(socket, 'message')
  socket.close()
  return String(answer)
}

function cookieOf(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

class LateStore extends Store {
  readonly kept = new Map<string, string>()

  override get(id: string, done: (error: unknown, found?: session.SessionData | null) => void): void {
    const text = this.kept.get(id)
    setTimeout(() => (text === undefined ? done(Object.assign(new Error('no such file'), { code: 'ENOENT' })) : done(null, JSON.parse(text))), 5)
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.kept.set(id, JSON.stringify(data))
    setTimeout(() => done?.(), 5)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.kept.delete(id)
    setTimeout(() => done?.(), 5)
  }
}

describe('what is attached', () => {
  it('must be a server: given the app or nothing it is refused, and all ends well nevertheless', async () => {
    const { notifications } = build()
    for (const wrong of [express(), undefined, {}]) {
      assert.throws(() => notifications.attach(wrong as never), { name: 'OptionError', message: /http\.createServer\(app\)/ })
    }
    await notifications.ready()
    await notifications.close()
    await assert.rejects(notifications.notify({ to: 'everyone', title: 'Too late' }), { name: 'UnavailableError' })
  })

  it('comes before the end: afterwards it is refused, and the server stays as it was', async () => {
    const { notifications } = build()
    await notifications.close()
    const server = createServer()
    const { emit } = server
    assert.throws(() => notifications.attach(server), { name: 'UnavailableError', message: 'Notifications have been closed.' })
    assert.equal(server.emit, emit)
    assert.equal(server.listenerCount('upgrade'), 0)
  })

  it('is left without a trace, also where it never listened', async () => {
    const server = createServer()
    for (let n = 0; n < 3; n++) {
      const { notifications } = build()
      notifications.attach(server)
      await notifications.close()
    }
    assert.deepEqual(
      ['close', 'upgrade'].map((event) => server.listenerCount(event)),
      [0, 0],
    )
  })
})
