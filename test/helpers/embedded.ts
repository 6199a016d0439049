import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import session, { type SessionOptions, type Store } from 'express-session'
import request from 'supertest'
import { createNotifications, type Identity, type Notifications, type NotificationsOptions } from '../../src/notifications/index.js'

declare module 'express-session' {
  interface SessionData {
    visitor?: string
  }
}

interface HostOptions extends Partial<NotificationsOptions> {
  /** What the host mounts before the plugin. */
  readonly before?: (app: Express) => void
  /** Polls are answered ahead of the app. */
  readonly ahead?: boolean
  /** Where the host keeps its sessions, and how. */
  readonly store?: Store
  readonly keeping?: Partial<SessionOptions>
  /** Topics that somebody is in. */
  readonly topics?: Readonly<Record<string, Identity['topics']>>
}

/**
 * An app of somebody else's with the plugin in it, asked over HTTP as a script or a browser without scripts would: GET
 * /enter?as=ada signs in, /page shows the bell, /latest the list, /locals what templates get.
 */
export class Host implements AsyncDisposable {
  readonly notifications: Notifications
  readonly url: string
  /** What the host's own error handler was given. */
  readonly errors: unknown[]
  readonly #server: Server
  readonly #folder: string

  private constructor(notifications: Notifications, server: Server, folder: string, errors: unknown[]) {
    this.notifications = notifications
    this.#server = server
    this.#folder = folder
    this.errors = errors
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start({
    before,
    ahead = false,
    topics = {},
    store = new session.MemoryStore(),
    keeping,
    ...options
  }: HostOptions = {}): Promise<Host> {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-host-'))
    const sessions = session({ secret: 'a secret of the host', resave: false, saveUninitialized: false, store, ...keeping })
    const notifications = createNotifications({
      database: join(folder, 'host.db'),
      session: sessions,
      identify: ({ session: { visitor } }) => (visitor === undefined ? null : { id: visitor, topics: topics[visitor] }),
      ...options,
    })
    const app = express()
    before?.(app)
    app.use(sessions)
    app.get('/enter', (req, res) => {
      req.session.visitor = String(req.query.as)
      res.send('Welcome')
    })
    app.get('/leave', (req, res) => req.session.destroy(() => res.send('Goodbye')))
    app.use(notifications.middleware())
    app.get('/page', (_req, res) => void res.send(`${res.locals.notifications.head()}<body>${res.locals.notifications.bell()}`))
    app.get('/latest', async (_req, res) => void res.send(await res.locals.notifications.list()))
    app.get('/locals', (_req, res) => void res.json(res.locals.notifications))
    app.use(notifications.basePath, notifications.router())
    const errors: unknown[] = []
    app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      errors.push(error)
      res.status(599).send('the error handler of the host')
    })
    const server = createServer(ahead ? notifications.ahead(app) : app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Host(notifications, server, folder, errors)
  }

  /** Somebody without a session. */
  get anybody() {
    return request(this.url)
  }

  /** Somebody with a cookie jar, signed in; every request says that it comes from the site itself. */
  async enter(user: string) {
    const agent = request.agent(this.url).set('Sec-Fetch-Site', 'same-origin')
    await agent.get('/enter').query({ as: user }).expect(200)
    return agent
  }

  /** Somebody else's program writes to the same database. */
  foreign(sql: string): void {
    const db = new Sqlite(join(this.#folder, 'host.db'), { timeout: 10_000 })
    db.exec(sql)
    db.close()
  }

  /** Somebody else's program holds the lock for writing until this is let go of. */
  lock(): Disposable {
    const db = new Sqlite(join(this.#folder, 'host.db'))
    db.exec('BEGIN IMMEDIATE')
    return { [Symbol.dispose]: () => void db.close() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.notifications.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
