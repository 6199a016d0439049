import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import express, { type Express, type Response } from 'express'
import session from 'express-session'
import { createNotifications, type Notifications } from '../../src/notifications/index.js'
import { startTestApp } from '../helpers/app.js'
import { upgrade } from '../helpers/raw-upgrade.js'

/** From this Node on there is nothing to mend. */
const MENDED = Number.parseInt(process.versions.node, 10) >= 24

/** An app of somebody's with a bell, and how its requests begin. */
class Site implements AsyncDisposable {
  readonly app = express()
  readonly notifications: Notifications
  readonly server: Server

  constructor(makeServer: (app: Express, notifications: Notifications) => Server, prepare: (app: Express) => void = () => {}) {
    const sessions = session({ secret: 'for tests', resave: false, saveUninitialized: false })
    this.notifications = createNotifications({ database: ':memory:', session: sessions, identify: () => ({ id: 'ada' }) })
    prepare(this.app)
    this.app.get('/ping', (req, res) => void res.json({ query: req.query, path: req.path }))
    this.app.use(this.notifications.basePath, sessions, this.notifications.router())
    this.server = makeServer(this.app, this.notifications)
    this.notifications.attach(this.server)
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** What the request of the next visit is, and its response, before anybody hears of them. */
  async begin(path = '/ping'): Promise<'the app’s' | 'Node’s own' | 'something else'> {
    if (!this.server.listening) await once(this.server.listen(0, '127.0.0.1'), 'listening')
    let prototypes: unknown[] = []
    const listener = (message: unknown) => {
      const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
      prototypes = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)]
    }
    subscribe('http.server.request.start', listener)
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`)
    unsubscribe('http.server.request.start', listener)
    assert.equal(answer.status, 200, await answer.text())
    const are = (...[request, response]: object[]) => prototypes[0] === request && prototypes[1] === response
    if (are(this.app.request, this.app.response)) return 'the app’s'
    return are(IncomingMessage.prototype, ServerResponse.prototype) ? 'Node’s own' : 'something else'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.notifications.close()
    this.server.closeAllConnections()
    this.server.close()
  }
}

const APPS = MENDED ? 'Node’s own' : 'the app’s'

describe('requests of a host’s', () => {
  it('are its app’s from the beginning', async () => {
    await using site = new Site((app) => createServer(app))
    assert.equal(await site.begin(), APPS)
    assert.equal(await site.begin('/notifications/unread'), APPS)
  })

  it('are so when polls are answered ahead of the app', async () => {
    await using site = new Site((app, { ahead }) => createServer(ahead(app)))
    assert.equal(await site.begin(), APPS)
    assert.equal(await site.begin('/notifications/unread'), APPS)
  })

  it('are so when the app comes to the server later', async () => {
    await using site = new Site(() => createServer())
    site.server.on('request', site.app)
    assert.equal(await site.begin(), APPS)
  })

  it('share their hidden classes, on which it depends whether reading them is quick', async () => {
    setFlagsFromString('--allow-natives-syntax')
    const haveSameMap = new Function('one', 'other', 'return %HaveSameMap(one, other)') as (one: object, other: object) => boolean
    setFlagsFromString('--no-allow-natives-syntax')
    const seen: { req: IncomingMessage; res: ServerResponse }[] = []
    await using site = new Site(
      (app) => createServer(app),
      (app) =>
        app.use((req, res, next) => {
          seen.push({ req, res })
          next()
        }),
    )
    // The first few teach V8 what such an object looks like.
    for (let i = 0; i < 20; i++) await site.begin()
    const [one, other] = seen.slice(-2)
    assert.ok(one && other)
    assert.deepEqual([haveSameMap(one.req, other.req), haveSameMap(one.res, other.res)], [true, true])
  })

  it('are Node’s own while somebody else listens for requests, too', async () => {
    await using site = new Site((app) => createServer(app))
    const another = () => {}
    assert.equal(await site.begin(), APPS)
    site.server.on('request', another)
    assert.equal(await site.begin(), 'Node’s own')
    site.server.off('request', another)
    assert.equal(await site.begin(), APPS)
  })

  it('are Node’s own where the host stands before its app', async () => {
    await using site = new Site((app) => createServer((req, res) => app(req, res)))
    assert.equal(await site.begin(), 'Node’s own')
  })

  it('are Node’s own after close()', async () => {
    await using site = new Site((app) => createServer(app))
    assert.equal(await site.begin(), APPS)
    await site.notifications.close()
    assert.equal(await site.begin(), 'Node’s own')
    assert.deepEqual([site.server.listenerCount('newListener'), site.server.listenerCount('removeListener')], [0, 0])
  })

  it('are of the classes that the host gave its server', async () => {
    class Their extends IncomingMessage {}
    await using site = new Site((app) => createServer({ IncomingMessage: Their }, app))
    assert.equal(await site.begin(), 'something else')
  })

  it('are Node’s own where something that the host gave them would be in Node’s way', async () => {
    const setter = (app: Express) => Object.defineProperty(app.request, 'url', { get: () => '/ping', set() {}, configurable: true })
    const getter = (app: Express) => Object.defineProperty(app.request, 'url', { get: () => '/ping', configurable: true })
    for (const prepare of [setter, getter]) {
      await using site = new Site((app) => createServer(app), prepare)
      assert.equal(await site.begin(), 'Node’s own')
    }
  })

  it('are Node’s own where the host has put something in the place of Node’s, which answers some of them by itself', async () => {
    const replaceEnd = (app: Express) => {
      const { end } = app.response
      app.response.end = function (this: Response, chunk?: unknown) {
        this.setHeader('X-Place', this.locals.place)
        return end.call(this, chunk, 'utf8')
      }
      app.use((_req, res, next) => {
        res.locals.place = 'here'
        next()
      })
    }
    await using site = new Site((app) => createServer(app), replaceEnd)
    assert.equal(await site.begin(), 'Node’s own')
    const socket = connect(site.port, '127.0.0.1').setEncoding('utf8')
    socket.write('GET /ping HTTP/1.1\r\n\r\n')
    assert.match((await socket.toArray()).join(''), /^HTTP\/1\.1 400 /)
    assert.equal((await fetch(`http://127.0.0.1:${site.port}/ping`)).headers.get('x-place'), 'here')
  })

  it('read as they always did', async () => {
    await using site = new Site((app) => createServer(app))
    await site.begin()
    const answer = await fetch(`http://127.0.0.1:${site.port}/ping?a=1&b=2`)
    assert.deepEqual(await answer.json(), { query: { a: '1', b: '2' }, path: '/ping' })
  })
})

it('an upgrade of somebody else’s is told by a request of Node’s own, to which they may give what Express has getters for', async () => {
  await using site = new Site((app) => createServer(app))
  site.server.on('upgrade', (req: IncomingMessage & { query?: string }, socket: Duplex) => {
    assert.equal(Object.getPrototypeOf(req), IncomingMessage.prototype)
    req.query = 'theirs'
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${req.query.length}\r\n\r\n${req.query}`, () => socket.destroy())
  })
  await site.begin()
  const answer = await upgrade({ port: site.port, path: '/theirs' })
  assert.deepEqual([answer.status, answer.body], [200, 'theirs'])
  // As hosts may do at any time.
  site.app.request = Object.create(site.app.request)
  const later = await upgrade({ port: site.port, path: '/theirs' })
  assert.deepEqual([later.status, later.body], [200, 'theirs'])
})

it('those of Belfry’s own app are its from the beginning, too', async () => {
  await using app = await startTestApp()
  let prototype: unknown
  const listener = (message: unknown) => {
    prototype = Object.getPrototypeOf((message as { request: IncomingMessage }).request)
  }
  subscribe('http.server.request.start', listener)
  const answer = await fetch(`${app.url}/healthz`)
  unsubscribe('http.server.request.start', listener)
  assert.equal(answer.status, 200)
  assert.equal(prototype === IncomingMessage.prototype, MENDED)
})

it('a second plugin on the same server changes nothing, and neither does the end of the first', async () => {
  await using site = new Site((app) => createServer(app))
  const second = createNotifications({
    database: ':memory:',
    session: session({ secret: 's', resave: false, saveUninitialized: false }),
    identify: () => null,
    basePath: '/second',
  })
  second.attach(site.server)
  assert.equal(await site.begin(), APPS)
  await site.notifications.close()
  assert.equal(await site.begin(), APPS)
  await second.close()
  assert.equal(await site.begin(), 'Node’s own')
})
