import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RequestHandler } from 'express'
import session, { type SessionData } from 'express-session'
import type { Logger } from 'pino'
import { type Config, settingError } from './config.js'
import type { AppDatabase } from './database.js'

declare module 'express-session' {
  interface SessionData {
    /** Who signed in, in which generation of their account, and when (milliseconds since 1970). */
    signedIn?: { readonly userId: number; readonly generation: number; readonly at: number }
  }
}

export const COOKIE = 'belfry.sid'

type Done = (error?: unknown) => void

/** Every so often, in milliseconds, what no session can need any more is deleted. */
const SWEEP_EVERY = 600_000
/** Activity is written down when the expiry moved by at least this share of the idle time: not at every request. */
const TOUCH_SHARE = 1 / 50

interface SessionRow {
  readonly data: string
  readonly expiresAt: number
}

/**
 * Sessions in SQLite. A session ends `idle` after the last activity and `max` after the sign-in, whichever is first, and
 * never comes back once destroyed, however late a slow request saves it. Errors go to the callbacks, nothing is thrown.
 */
export class SessionStore extends session.Store {
  readonly #database: AppDatabase
  readonly #idle: number
  readonly #max: number
  readonly #passive = new WeakSet<object>()
  readonly #sweeping: NodeJS.Timeout

  /** @param times in seconds */
  constructor(database: AppDatabase, times: { readonly idle: number; readonly max: number }) {
    super()
    this.#database = database
    this.#idle = times.idle * 1000
    this.#max = times.max * 1000
    this.#sweeping = setInterval(() => void this.sweep().catch(() => {}), SWEEP_EVERY).unref()
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.#settle(this.#load(id), callback)
  }

  override set(id: string, data: SessionData, callback?: Done): void {
    const now = Date.now()
    const createdAt = data.signedIn?.at ?? now
    const row = {
      id,
      now,
      createdAt,
      userId: data.signedIn?.userId ?? null,
      data: JSON.stringify(data),
      expiresAt: Math.min(now + this.#idle, createdAt + this.#max),
      forgetAt: createdAt + this.#max,
    }
    const sql = `INSERT INTO sessions (id, user_id, data, created_at, expires_at, forget_at) VALUES (@id, @userId, @data, @createdAt, @expiresAt, @forgetAt)
      ON CONFLICT (id) DO UPDATE SET user_id = @userId, data = @data, expires_at = @expiresAt WHERE ended_at IS NULL AND expires_at > @now`
    this.#settle(
      this.#database.run(() => this.#database.prepare(sql).run(row)),
      callback,
    )
  }

  override destroy(id: string, callback?: Done): void {
    const sql = `UPDATE sessions SET ended_at = ?, data = '{}' WHERE id = ? AND ended_at IS NULL`
    this.#settle(
      this.#database.run(() => this.#database.prepare(sql).run(Date.now(), id)),
      callback,
    )
  }

  /** Never holds the answer up, and never fails it: what can't be noted at once is left to the next request. */
  override touch(id: string, data: SessionData, callback?: () => void): void {
    try {
      if (!this.#passive.has(data)) this.#note(id, Date.now())
    } catch {
      // Locked or out. Trying again for every request of a busy site would be the next trouble.
    }
    callback?.()
  }

  /** What the client asks for by itself (polls, event streams) is no activity of the person. */
  ignore(paths: readonly string[]): RequestHandler {
    const passive = new Set(paths.map(asRouted))
    return (req, _res, next) => {
      if (req.session !== undefined && passive.has(asRouted(req.path))) this.#passive.add(req.session)
      next()
    }
  }

  /** Inside a transaction of the caller's: ends the sessions of a user, all but `except`. Returns their ids. */
  endAllOf(userId: number, except = ''): readonly string[] {
    const sql = `UPDATE sessions SET ended_at = ?, data = '{}' WHERE user_id = ? AND ended_at IS NULL AND id <> ? RETURNING id`
    const ended = this.#database.prepare<[number, number, string], { id: string }>(sql).all(Date.now(), userId, except)
    return ended.map(({ id }) => id)
  }

  /** Inside a transaction of the caller's: carries a session over into the next generation of its user's account. */
  carryOver(id: string, generation: number): void {
    const sql = `UPDATE sessions SET data = json_set(data, '$.signedIn.generation', ?) WHERE id = ? AND ended_at IS NULL`
    this.#database.prepare(sql).run(generation, id)
  }

  async sweep(): Promise<void> {
    await this.#database.run(() => this.#database.prepare('DELETE FROM sessions WHERE forget_at <= ?').run(Date.now()))
  }

  close(): void {
    clearInterval(this.#sweeping)
  }

  async #load(id: string): Promise<SessionData | null> {
    const sql = `SELECT data, min(expires_at, created_at + ?) AS expiresAt FROM sessions WHERE id = ? AND ended_at IS NULL`
    const row = await this.#database.run(() => this.#database.prepare<[number, string], SessionRow>(sql).get(this.#max, id))
    if (row === undefined || row.expiresAt <= Date.now()) return null
    const data: SessionData = JSON.parse(row.data)
    // Assigned, not constructed: express-session makes its Cookie of these fields, and takes the expiry from a string.
    Object.assign(data.cookie, { expires: new Date(row.expiresAt).toISOString(), originalMaxAge: this.#idle })
    return data
  }

  #note(id: string, now: number): void {
    const expiresAt = 'min(@now + @idle, created_at + @max)'
    const at = { id, now, idle: this.#idle, max: this.#max, least: this.#idle * TOUCH_SHARE }
    const due = `id = @id AND ended_at IS NULL AND expires_at > @now AND ${expiresAt} - expires_at >= @least`
    // Looked at first: an UPDATE takes the write lock even where it finds nothing to change.
    if (this.#database.prepare(`SELECT 1 FROM sessions WHERE ${due}`).get(at) === undefined) return
    this.#database.prepare(`UPDATE sessions SET expires_at = ${expiresAt} WHERE ${due}`).run(at)
  }

  #settle<T>(work: Promise<T>, callback: ((error: unknown, result?: T) => void) | undefined): void {
    work.then(
      (result) => callback?.(null, result),
      (error: unknown) => callback?.(error),
    )
  }
}

/** As Express reads a path: in any case, with or without a slash at the end. */
function asRouted(path: string): string {
  return path.toLowerCase().replace(/\/$/, '')
}

/** The one express-session middleware of the app. */
export function sessionMiddleware(store: SessionStore, config: Config, log: Logger): RequestHandler {
  return session({
    name: COOKIE,
    store,
    secret: config.sessionSecret ?? keptSecret(config.databasePath, log),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { httpOnly: true, sameSite: 'lax', path: '/', secure: 'auto', maxAge: config.sessionIdle * 1000 },
  })
}

/** The secret beside the database: made at the first start, readable for its owner only. */
function keptSecret(databasePath: string, log: Logger): string {
  const file = join(dirname(databasePath), 'session-secret')
  try {
    const secret = readSecret(file) ?? makeSecret(file, log)
    if (secret.length >= 32) return secret
  } catch {
    throw settingError('SESSION_SECRET', undefined, `it is not set, and ${file} can be neither read nor made`)
  }
  throw settingError('SESSION_SECRET', undefined, `it is not set, and ${file} is damaged: delete that file, which signs everybody out`)
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** By a link, which either is there whole or fails: of several processes that start at once, one secret wins. */
function makeSecret(file: string, log: Logger): string {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  try {
    linkSync(draft, file)
    log.info('a secret for sessions was made beside the database, as SESSION_SECRET is not set: whoever was signed in by another signs in again')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8').trim()
}
