import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Express, RequestHandler } from 'express'
import type { Logger } from 'pino'
import { type Config, type SettingError, settingError } from './config.js'
import { Turns } from './turns.js'

/** How long requests may take to finish once the app is to stop, in milliseconds. */
const GRACE = 6000

/** The HTTP server around the app: it cuts off who dribbles, and knows what is still being answered. */
export class AppServer {
  readonly http: Server
  readonly #log: Logger
  readonly #turns = new Turns()
  #stopping = false

  constructor(log: Logger) {
    this.#log = log
    // The headers have 10 seconds, the whole request 30; whoever reads nothing of an answer is cut off after two minutes.
    this.http = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 2000 })
    this.http.timeout = 120_000
  }

  /** True from the beginning of `stop` on. */
  get stopping(): boolean {
    return this.#stopping
  }

  /** Lets requests in, and knows what is being answered: to be the first thing that a request meets. */
  readonly admit: RequestHandler = (req, res, next) => {
    this.#turns.wait(req, res, () => {
      if (this.#stopping) res.setHeader('Connection', 'close')
      next()
    })
  }

  /** Throws SettingError where PORT or HOST can't be listened on. */
  async listen(app: Express, { host, port }: Config): Promise<void> {
    // The app itself, with nothing before it: then the bell lets the server make its requests quickly.
    this.http.on('request', app)
    await new Promise<void>((resolve, reject) => {
      this.http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port) ?? error))
      this.http.listen(port, host, resolve)
    })
    this.http.on('error', (error) => this.#log.error({ err: error }, 'a connection could not be accepted'))
  }

  /** Where it listens, as people write it. */
  url({ host }: Config): string {
    const { port } = this.http.address() as AddressInfo
    const here = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)
    return `http://${here ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** Takes no more connections, waits for answers that were begun, hangs up on whoever is left (sockets are not its to end), and waits for `release`. */
  async stop(release: () => Promise<void>): Promise<void> {
    this.#stopping = true
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()))
    const giveUpAt = performance.now() + GRACE
    while (this.#isAnswering() && performance.now() < giveUpAt) await sleep(20)
    this.http.closeAllConnections()
    await release()
    await closed
  }

  /** Event streams last as long as somebody is there: stopping doesn't wait for them. */
  #isAnswering(): boolean {
    return this.#turns.answering().some((res) => !String(res.getHeader('Content-Type')).startsWith('text/event-stream'))
  }
}

function listenError({ code }: NodeJS.ErrnoException, host: string, port: number): SettingError | undefined {
  if (code === 'EADDRINUSE')
    return settingError('PORT', String(port), 'something listens there already: stop it, or give another port; 0 picks a free one')
  if (code === 'EACCES') return settingError('PORT', String(port), 'this user may not listen there: give a port from 1024 on')
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code ?? '')) {
    return settingError('HOST', host, 'this machine has no such address: give one of its own, such as 127.0.0.1')
  }
  return undefined
}
