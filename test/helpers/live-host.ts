import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express, { type RequestHandler } from 'express'
import session, { MemoryStore, type Store } from 'express-session'
import { Registry } from 'prom-client'
import { createNotifications, type Notifications, type NotificationsOptions } from '../../src/notifications/index.js'
import { Tab } from './visitor.js'

declare module 'express-session' {
  interface SessionData {
    user?: string
    topics?: string[]
  }
}

interface LiveHostOptions extends Partial<NotificationsOptions> {
  readonly store?: Store
  /** How long a session lives, in milliseconds. */
  readonly maxAge?: number
  /** Whether sessions are saved after every request; unless told, only where they have changed. */
  readonly resave?: boolean
  /** Runs on the server before it listens: other upgrade listeners and the like. */
  readonly prepare?: (server: Server) => void
  /** A middleware of the host's, between its sessions and what is ours. */
  readonly between?: RequestHandler
}

/** An ordinary Express app with sessions of its own and Belfry in it, in this process, on a free port. */
export class LiveHost implements AsyncDisposable {
  readonly notifications: Notifications
  readonly server: Server
  readonly registry = new Registry()
  readonly sockets = new Set<Socket>()
  readonly warnings: string[] = []
  url = ''

  private constructor({ store = new MemoryStore(), maxAge, resave = false, prepare, between, ...options }: LiveHostOptions) {
    const sessions = session({
      secret: 'for tests',
      store,
      resave,
      saveUninitialized: false,
      cookie: maxAge === undefined ? {} : { maxAge },
    })
    const log = (_details: object, message: string) => void this.warnings.push(message)
    this.notifications = createNotifications({
      database: ':memory:',
      session: sessions,
      identify: (req) => (req.session.user === undefined ? null : { id: req.session.user, topics: req.session.topics }),
      logger: { info() {}, warn: log, error: log },
      registry: this.registry,
      ...options,
    })
    this.server = createServer(this.#app(sessions, between))
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    prepare?.(this.server)
    this.notifications.attach(this.server)
  }

  static async start(options: LiveHostOptions = {}): Promise<LiveHost> {
    const host = new LiveHost(options)
    host.server.listen(0, '127.0.0.1')
    await once(host.server, 'listening')
    host.url = `http://127.0.0.1:${host.port}`
    return host
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Signs somebody in; returns the cookie of a new session. With a cookie it is that session that becomes theirs. */
  async signIn(user: string, topics: readonly string[] = [], cookie = ''): Promise<string> {
    const answer = await fetch(`${this.url}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify({ user, topics }),
    })
    // It ends when the session is saved.
    await answer.text()
    return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  /** Any request with a cookie; the body is read to its end. */
  async visit(path: string, cookie: string, method = 'GET'): Promise<Response> {
    const answer = await fetch(`${this.url}${path}`, { method, headers: { cookie } })
    await answer.clone().arrayBuffer()
    return answer
  }

  async openTab(cookie: string): Promise<Tab> {
    const tab = new Tab(this.url, cookie)
    await tab.opened
    return tab
  }

  /** The value of a metric, 0 where it was never counted. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { values } = (await this.registry.getSingleMetric(name)?.get()) ?? { values: [] }
    const found = values.find((value) => Object.entries(labels).every(([label, of]) => value.labels[label] === of))
    return found?.value ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.notifications.close()
    this.server.closeAllConnections()
    this.server.close()
  }

  #app(sessions: RequestHandler, between: RequestHandler = (_req, _res, next) => next()) {
    const app = express()
    app.use(sessions, between, this.notifications.middleware())
    app.post('/sign-in', express.json(), (req, res) => {
      req.session.user = req.body.user
      req.session.topics = req.body.topics
      res.send('in')
    })
    app.post('/sign-out', (req, res) => req.session.destroy(() => res.send('out')))
    app.post('/forget', (req, res) => {
      delete req.session.user
      res.send('out')
    })
    app.post('/regenerate', (req, res) => req.session.regenerate(() => res.send('new')))
    app.post('/topics/:topic', (req, res) => {
      req.session.topics = [req.params.topic]
      res.send('joined')
    })
    app.get('/bell', (_req, res) => void res.send(res.locals.notifications.bell()))
    app.get('/ping', (_req, res) => void res.send('pong'))
    app.use('/notifications', this.notifications.router())
    return app
  }
}
