import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import session from 'express-session'
import { Registry } from 'prom-client'
import { createNotifications, type Notifications, type NotificationsOptions } from '../../src/notifications/index.js'

declare module 'express-session' {
  interface SessionData {
    who: string
  }
}

const CORE = fileURLToPath(new URL('../../public/build/core.js', import.meta.url))

/** The strictest rules that the pages promise to live by. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** A small app of somebody else's with the plugin in it: `/sign-in/<who>`, `/sign-out`, `/` with a bell, and the inbox. */
export class Host implements AsyncDisposable {
  url = ''
  notifications!: Notifications
  readonly #folder = mkdtempSync(join(tmpdir(), 'belfry-host-'))
  readonly #sessions = new session.MemoryStore()
  readonly #options: Partial<NotificationsOptions>
  readonly #sockets = new Set<Socket>()
  #registry = new Registry()
  #server!: Server

  private constructor(options: Partial<NotificationsOptions>) {
    this.#options = options
  }

  static async start(options: Partial<NotificationsOptions> = {}): Promise<Host> {
    const host = new Host(options)
    await host.start()
    return host
  }

  /** Starts (again), on the same port where it had one, with the same database and sessions. */
  async start(): Promise<void> {
    const sessions = session({ secret: 'only for tests', store: this.#sessions, resave: false, saveUninitialized: false, rolling: false })
    this.#registry = new Registry()
    this.notifications = createNotifications({
      database: join(this.#folder, 'host.db'),
      session: sessions,
      identify: (req) => (req.session.who === undefined ? null : { id: req.session.who }),
      registry: this.#registry,
      ...this.#options,
    })
    const server = createServer(this.#app(sessions))
    this.#server = server
    this.notifications.attach(server)
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.listen(this.url === '' ? 0 : Number(new URL(this.url).port), '127.0.0.1')
    await once(server, 'listening')
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`
  }

  #app(sessions: express.RequestHandler): Express {
    const app = express()
    const { notifications } = this
    app.use((_req, res, next) => {
      res.set('Content-Security-Policy', POLICY)
      next()
    })
    // What a host's bundler makes of belfry/browser.
    app.get('/core.js', (_req, res) => res.sendFile(CORE))
    app.get('/favicon.ico', (_req, res) => void res.status(204).end())
    app.use(sessions)
    app.get('/sign-in/:who', (req, res, next) => {
      req.session.regenerate(() => {
        req.session.who = req.params.who
        req.session.save((error) => (error ? next(error) : res.redirect('/')))
      })
    })
    // As hosts do where somebody confirms a password, or gets another role: the same person, and another session.
    app.post('/renew', (req, res, next) => {
      const { who } = req.session
      req.session.regenerate(() => {
        if (who !== undefined) req.session.who = who
        req.session.save((error) => (error ? next(error) : res.json({})))
      })
    })
    // What no host should do: somebody else from here on, in the same session.
    app.get('/become/:who', (req, res) => {
      req.session.who = req.params.who
      req.session.save(() => res.send('<!doctype html><title>Somebody else</title>'))
    })
    app.get('/sign-out', (req, res) => req.session.destroy(() => void res.send('<!doctype html><title>Bye</title>')))
    app.use(notifications.middleware())
    app.get(['/', '/elsewhere'], (req, res) => {
      const { head, bell } = res.locals.notifications as { head(): string; bell(): string }
      res.set('Cache-Control', 'private, no-cache')
      res.send(
        `<!doctype html><html lang="${req.query.lang === 'pl' ? 'pl' : req.query.lang === 'ar' ? 'ar" dir="rtl' : 'en'}"><head><title>Home</title>${head()}</head><body><header>${bell()}</header><main><h1>Home</h1></main></body></html>`,
      )
    })
    app.get('/latest', async (_req, res) => {
      const { head, list } = res.locals.notifications
      res.send(
        `<!doctype html><html lang="en"><head><title>Latest</title>${head()}</head><body><main><h1>Latest</h1>${await list()}</main></body></html>`,
      )
    })
    app.use(notifications.basePath, notifications.router())
    return app
  }

  /** Live connections, as the server counts them. */
  async connections(): Promise<number> {
    const metric = await this.#registry.getSingleMetric('belfry_connections')?.get()
    return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
  }

  /** Sends one notification to one user. */
  tell(user: string, title: string) {
    return this.notifications.notify({ to: { user }, title })
  }

  /** As a process dies: every socket is cut, nobody is told. */
  async kill(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await this.notifications.close()
  }

  /** As a process stops: live connections are told. */
  async stop(): Promise<void> {
    await this.notifications.close()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
