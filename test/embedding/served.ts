import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
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
    store,
    middleware: session({ secret: SECRET, store, resave: false, saveUninitialized: false }),
    signIn: (user: string) => sessionCookie({ store, secret: SECRET, data: { user } }),
  }
}

/** Something that listens on a free port for as long as a test lasts, and the plugin that lives in it. */
export class Served implements AsyncDisposable {
  readonly server: Server
  readonly #notifications: Notifications | undefined
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, notifications?: Notifications) {
    this.server = server
    this.#notifications = notifications
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
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

  /** The status of a request with headers that fetch does not send. */
  async statusOf(path: string, headers: OutgoingHttpHeaders): Promise<number | undefined> {
    const [answer] = (await once(httpRequest(this.url + path, { headers }).end(), 'response')) as [IncomingMessage]
    answer.resume()
    return answer.statusCode
  }

  async post(path: string, cookie = '', headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', redirect: 'manual', headers: { cookie, origin: this.url, ...headers } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#notifications?.close()
    const closed = new Promise((resolve) => this.server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
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

/** Takes a prefix off, of requests and of upgrades, as nginx does with a slash at the end of proxy_pass. */
export async function strippingProxy(to: Served, prefix: string): Promise<Served> {
  const port = Number(new URL(to.url).port)
  const stripped = (req: IncomingMessage) => (req.url?.startsWith(`${prefix}/`) ? req.url.slice(prefix.length) : '/nowhere')
  return Served.start(
    (req, res) => {
      const onward = httpRequest({ port, host: '127.0.0.1', method: req.method, path: stripped(req), headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      })
      onward.on('error', () => res.destroy())
      req.pipe(onward)
    },
    (server) =>
      server.on('upgrade', (req, socket) => {
        const onward = connect(port, '127.0.0.1')
        const headers = Object.entries(req.headers).map(([name, value]) => `${name}: ${value}`)
        onward.write(`GET ${stripped(req)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
        onward.pipe(socket).pipe(onward)
        for (const end of [onward, socket]) end.on('error', () => {}).on('close', () => [onward, socket].map((other) => other.destroy()))
      }),
  )
}
