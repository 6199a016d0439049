import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import session, { MemoryStore, type Store } from 'express-session'
import type { Notifications } from '../../src/notifications/index.js'
import { sessionCookie, type TabOptions, type TestTab, testTab } from '../../src/notifications/testing.js'

declare module 'express-session' {
  interface SessionData {
    user?: string
  }
}

const SECRET = 'a secret of the host'

/** Sessions as a host has them, and a way to be signed in. */
export function sessions(store: Store = new MemoryStore()) {
  return {
    middleware: session({ secret: SECRET, store, resave: false, saveUninitialized: false }),
    signIn: (user: string) => sessionCookie({ store, secret: SECRET, data: { user } }),
  }
}

/** Something that listens on a free port for as long as a test lasts, and the plugin that lives in it. */
export class Served implements AsyncDisposable {
  readonly server: Server
  readonly #notifications: Notifications | undefined

  private constructor(server: Server, notifications?: Notifications) {
    this.server = server
    this.#notifications = notifications
  }

  /** `prepare` gets the server before it listens. */
  static async start(listener: RequestListener, prepare?: (server: Server) => void, notifications?: Notifications): Promise<Served> {
    const server = createServer(listener)
    prepare?.(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Served(server, notifications)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  tab(options: TabOptions): Promise<TestTab> {
    return testTab(this.server, options)
  }

  /** A request of somebody who is signed in, from the site itself. */
  async get(path: string, cookie = '', headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url + path, { redirect: 'manual', headers: { cookie, ...headers } })
  }

  async post(path: string, cookie = '', headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', redirect: 'manual', headers: { cookie, origin: this.url, ...headers } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#notifications?.close()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

/** A folder that is gone when the test is. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'belfry-embedding-'))

  file(name: string): string {
    return join(this.path, name)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
