import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { BelfryError } from '../notifications/index.js'
import { createApp } from './app.js'
import { type Config, type Environment, parseConfig, SettingError, settingError } from './config.js'
import type { AppContext } from './context.js'
import { type FirstSignIn, firstAdmin } from './first-admin.js'
import { createLog } from './log.js'
import { openContext } from './open-context.js'

export interface Output {
  write(text: string): unknown
}

export interface StartOptions {
  readonly log: Logger
  /** scrypt's N of new password hashes; 32,768 unless told. */
  readonly passwordCost?: number
}

/** The app while it listens. */
export interface RunningApp {
  readonly url: string
  readonly server: Server
  readonly context: AppContext
  /** How to sign in for the first time; undefined where that is known, or there was an admin already. */
  readonly firstSignIn: FirstSignIn | undefined
  /** Takes no more connections, lets requests finish, ends live connections with 1012, and lets go of everything. Within 10 seconds. */
  close(): Promise<void>
}

/** How long requests may take to finish once the app is to stop, in milliseconds. */
const GRACE = 6000

/** Migrates, makes the first admin where there is none, and listens. Throws SettingError, one line, where a setting is at fault. */
export async function startApp(config: Config, { log, ...options }: StartOptions): Promise<RunningApp> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const context = await openContext(config, { ...options, log, registry })
  try {
    const firstSignIn = await firstAdmin(context)
    let stopping = false
    const app = createApp(context, { registry, stopping: () => stopping })
    const requests = new Requests(`${context.notifications.basePath}/stream`)
    // Clients that send their request drop by drop are cut off: the headers have 10 seconds, the whole request 30.
    const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 2000 })
    server.on('request', (req, res) => {
      requests.follow(req, res)
      app(req, res)
    })
    context.notifications.attach(server)
    await listen(server, config)
    server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'))
    const close = async () => {
      stopping = true
      await drain(server, requests, context)
      registry.clear()
    }
    let closing: Promise<void> | undefined
    return { url: urlOf(server, config), server, context, firstSignIn, close: () => (closing ??= close()) }
  } catch (error) {
    await context.close()
    throw error
  }
}

/** Runs the app until a signal ends it; a second signal ends it at once. Returns the exit code: 1 where it could not start, with one line on `err`. */
export async function runApp(env: Environment, out: Output, err: Output): Promise<number> {
  try {
    const stop = signal()
    const config = parseConfig(env)
    const log = createLog(config.logLevel)
    const app = await startApp(config, { log })
    out.write(greeting(app))
    await stop
    log.info('stopping')
    process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1))
    await app.close()
    return 0
  } catch (error) {
    if (!(error instanceof SettingError) && !(error instanceof BelfryError)) throw error
    err.write(`${error.message}\n`)
    return 1
  }
}

function greeting({ url, firstSignIn }: RunningApp): string {
  const lines = [`Belfry listens on ${url}`]
  if (firstSignIn !== undefined) lines.push(`Sign in as ${firstSignIn.username} with password ${firstSignIn.password}`)
  return `${lines.join('\n')}\n`
}

function signal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve())
  })
}

/** The requests that are being answered, event streams apart: those end with the live connections. */
class Requests {
  readonly #stream: string
  #open = 0

  constructor(stream: string) {
    this.#stream = stream
  }

  get open(): number {
    return this.#open
  }

  follow(req: IncomingMessage, res: ServerResponse): void {
    if (req.url?.split('?', 1)[0] === this.#stream) return
    this.#open++
    res.once('close', () => this.#open--)
  }
}

async function drain(server: Server, requests: Requests, context: AppContext): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const giveUpAt = performance.now() + GRACE
  while (requests.open > 0 && performance.now() < giveUpAt) await sleep(20)
  await context.close()
  server.closeAllConnections()
  await closed
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen(port, host, resolve)
  })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return settingError('PORT', String(port), `something listens there already: stop it, or give another port; 0 picks a free one`)
  if (error.code === 'EACCES') return settingError('PORT', String(port), 'this user may not listen there: give a port from 1024 on')
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return settingError('HOST', host, 'this machine has no such address: give one of its own, such as 127.0.0.1')
  }
  return error
}

function urlOf(server: Server, { host }: Config): string {
  const { port } = server.address() as AddressInfo
  const everywhere = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)
  return `http://${everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
}
