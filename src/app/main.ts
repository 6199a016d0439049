import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { BelfryError } from '../notifications/index.js'
import { createApp } from './app.js'
import { type Config, type Environment, parseConfig, SettingError } from './config.js'
import type { AppContext } from './context.js'
import { type FirstSignIn, firstAdmin } from './first-admin.js'
import { createLog } from './log.js'
import { openContext } from './open-context.js'
import { AppServer } from './server.js'
import { belfryVersion } from './version.js'
import { withReason } from './words.js'

export interface Output {
  /** What it returns is awaited. It rejects, with a sentence, where the text cannot be written. */
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
  readonly context: AppContext
  /** How to sign in for the first time; undefined where that is known, or there was an admin already. */
  readonly firstSignIn: FirstSignIn | undefined
  /** Takes no more connections, lets requests finish, ends live connections with 1012, and lets go of everything. Within 10 seconds. */
  close(): Promise<void>
}

/** Migrates, listens, and makes the first admin where there is none. Throws SettingError, one line, where a setting is at fault. */
export async function startApp(config: Config, { log, ...options }: StartOptions): Promise<RunningApp> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const context = await openContext(config, { ...options, log, registry })
  const { notifications } = context
  const server = new AppServer(log)
  let closing: Promise<void> | undefined
  const close = () => (closing ??= server.stop(() => context.close()))
  try {
    notifications.attach(server.http)
    await server.listen(createApp(context, { registry, stopping: () => server.stopping, admit: server.admit }), config)
    // Nothing may fail between this and telling how to sign in: at the next start there is an admin, and the password is told to nobody.
    const firstSignIn = await firstAdmin(context)
    return { url: server.url(config), context, firstSignIn, close }
  } catch (error) {
    await close()
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
    log.info({ version: belfryVersion(), node: process.version, pid: process.pid, database: resolve(config.databasePath) }, 'started')
    void greet(app, out, err)
    await stop
    log.info('stopping')
    await app.close()
    return 0
  } catch (error) {
    if (!(error instanceof SettingError) && !(error instanceof BelfryError)) throw error
    await err.write(`${withReason(error)}\n`)
    return 1
  }
}

/** Not waited for: somebody who does not read must not keep the app from hearing that it is to stop. */
async function greet(app: RunningApp, out: Output, err: Output): Promise<void> {
  try {
    await out.write(greeting(app))
  } catch (error) {
    const { username } = app.firstSignIn ?? {}
    const otherwise = username === undefined ? '' : ` Nobody knows the password of ${username} now: 'belfry user password ${username}' makes another.`
    await err.write(`${error instanceof Error ? error.message : String(error)}${otherwise}\n`)
  }
}

function greeting({ url, firstSignIn }: RunningApp): string {
  const lines = [`Belfry listens on ${url}`]
  if (firstSignIn !== undefined) lines.push(`Sign in as ${firstSignIn.username} with password ${firstSignIn.password}`)
  return `${lines.join('\n')}\n`
}

/** Resolves with the first signal to stop. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    // One listener for both: with none in between, a second signal would kill the process.
    const heard = () => {
      if (stopping) process.exit(1)
      stopping = true
      resolve()
    }
    process.on('SIGTERM', heard).on('SIGINT', heard)
  })
}
