import type { Request } from 'express'
import type { SessionData, Store } from 'express-session'
import { OptionError } from '../errors.js'
import type { Logger } from '../logger.js'
import { hasStoredSession, lookUp, STORE_WITHIN, sessionKey } from './stored-session.js'

interface Watched {
  readonly id: string
  readonly store: Store
  connections: number
  /** When it expires as far as is known, in milliseconds since 1970; Infinity where it does not. */
  deadline: number
  /** When to look into the store again, in milliseconds since 1970. */
  checkAt: number
  /** The next look: when it is time, at once whatever the time, or under way; and then perhaps once more, as that one began too soon. */
  look: 'in time' | 'at once' | 'under way' | 'again'
}

interface SessionWatchOptions {
  /** A session has ended, by its key; may be told more than once, and of sessions without connections. */
  readonly ended: (key: string) => void
  readonly logger: Logger
}

/** How often deadlines are looked at, in milliseconds. */
const EVERY = 300
/** How long a session that ended elsewhere without a word may go unnoticed, in milliseconds. */
const RECHECK = 30_000
/** How many sessions are read at a time. */
const AT_ONCE = 16

const NO_STORED_SESSION =
  'The option session must be express-session, or set req.session.cookie, req.sessionID and req.sessionStore as it does: ' +
  'a live connection ends with its session, and of any other nobody can tell when that is. Without live connections, clients poll.'

/** A string of its own: a slice would keep the whole header that it was cut from. */
function copied(text: string): string {
  return Buffer.from(text).toString()
}

/**
 * Knows when the sessions of live connections end: at once when this process destroys one, at its deadline when it
 * expires, and within half a minute when it vanished from the store in any other way. Never extends a session.
 */
export class SessionWatch {
  readonly #options: SessionWatchOptions
  readonly #guarded = new Map<Store, () => void>()
  readonly #watched = new Map<string, Watched>()
  #timer: NodeJS.Timeout | undefined
  #reading = 0
  /** The store did not answer when it was last asked. */
  #out = false
  #closed = false

  constructor(options: SessionWatchOptions) {
    this.#options = options
  }

  /** From now on hears of every session that is destroyed through the store of this request: by `destroy()`, `regenerate()`, or with all others by `clear()`. */
  guard(req: Request): void {
    const store = req.sessionStore
    if (store === undefined || this.#guarded.has(store)) return
    const { destroy, clear, touch } = store
    const heard: Partial<Store> = {}
    heard.destroy = (id, callback) =>
      destroy.call(store, id, (error: unknown) => {
        // Told only now: a socket that is being opened could still find the session in the store before.
        if (!error) this.#end(sessionKey(id))
        callback?.(error)
      })
    if (clear !== undefined) {
      heard.clear = (callback) =>
        clear.call(store, (error: unknown) => {
          // Whose sessions those were it does not say.
          if (!error) for (const key of this.#watched.keys()) this.doubt(key)
          callback?.(error)
        })
    }
    if (touch !== undefined) {
      heard.touch = (id, session, callback) => {
        this.#extend(id, session)
        touch.call(store, id, session, callback)
      }
    }
    this.#guarded.set(store, replace(store, heard))
  }

  /**
   * Watches the session of a request for one more connection; returns its key, which `unwatch` takes. Throws an OptionError where it is none of
   * express-session's.
   */
  watch(req: Request): string {
    if (!hasStoredSession(req)) throw new OptionError(NO_STORED_SESSION)
    const key = sessionKey(req.sessionID)
    const watched = this.#watched.get(key) ?? {
      id: copied(req.sessionID),
      store: req.sessionStore,
      connections: 0,
      deadline: 0,
      checkAt: 0,
      look: 'in time',
    }
    watched.connections++
    this.#watched.set(key, watched)
    schedule(watched, req.session)
    this.#timer ??= setInterval(() => this.#check(), EVERY).unref()
    return key
  }

  /** It was read some time ago, and may have ended before anybody watched it: looks into the store as soon as can be. */
  doubt(key: string): void {
    const watched = this.#watched.get(key)
    if (watched !== undefined) watched.look = watched.look === 'in time' || watched.look === 'at once' ? 'at once' : 'again'
  }

  /** One connection fewer. */
  unwatch(key: string): void {
    const watched = this.#watched.get(key)
    if (watched === undefined || --watched.connections > 0) return
    this.#watched.delete(key)
    if (this.#watched.size === 0) this.rest()
  }

  /** Looks into no store any more. What is destroyed is still heard of, until `close`. */
  rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Gives the stores back as they were. */
  close(): void {
    this.#closed = true
    this.#watched.clear()
    for (const letGo of this.#guarded.values()) letGo()
    this.#guarded.clear()
    this.rest()
  }

  /**
   * Some stores keep the deadline beside the session and never correct the one in it: then only this tells of the new one. Others don't extend it for
   * everything, or not for ever: so it is no reason to look later.
   */
  #extend(id: string, session: SessionData): void {
    const watched = this.#watched.size > 0 ? this.#watched.get(sessionKey(id)) : undefined
    if (watched === undefined) return
    const { checkAt } = watched
    schedule(watched, session)
    watched.checkAt = Math.min(watched.checkAt, checkAt)
  }

  #end(key: string): void {
    if (!this.#closed) this.#options.ended(key)
  }

  /** Reads those that are due, a few at a time, however long that takes; the next look goes on where this one stopped. */
  #check(): void {
    const now = Date.now()
    // Not by entries: thousands are looked at several times a second, and each would be an array.
    this.#watched.forEach((watched, key) => {
      if (this.#reading >= AT_ONCE || !isDue(watched, now)) return
      this.#reading++
      watched.look = 'under way'
      this.#read(key, watched).catch((error: unknown) => this.#options.logger.error({ err: error }, 'a session could not be looked after'))
    })
  }

  async #read(key: string, watched: Watched): Promise<void> {
    const found = await lookUp(watched)
    this.#reading--
    watched.look = watched.look === 'again' && found !== 'unknown' ? 'at once' : 'in time'
    watched.checkAt = Date.now() + STORE_WITHIN
    this.#warnOnce(found === 'unknown')
    if (found === 'gone') {
      watched.checkAt = Date.now() + RECHECK
      this.#end(key)
    } else if (found !== 'unknown') {
      schedule(watched, found)
    }
    if (this.#reading === AT_ONCE - 1) setImmediate(() => this.#check())
  }

  #warnOnce(out: boolean): void {
    if (out && !this.#out) this.#options.logger.warn({}, 'the session store cannot be asked whether sessions still exist; trying again')
    this.#out = out
  }
}

/** Gives an object other methods, its own or inherited; returns what gives it those back that nobody has replaced since. */
function replace<T extends object>(target: T, methods: Partial<T>): () => void {
  const own = Object.getOwnPropertyDescriptors(target)
  Object.assign(target, methods)
  return () => {
    for (const name of Object.keys(methods) as (keyof T)[]) {
      const before = own[name]
      if (target[name] !== methods[name]) continue
      if (before === undefined) delete target[name]
      else Object.defineProperty(target, name, before)
    }
  }
}

/** A time that is too far off was set before the clock was. */
function isDue({ look, checkAt }: Watched, now: number): boolean {
  return look === 'at once' || (look === 'in time' && (checkAt <= now || checkAt >= now + 2 * RECHECK))
}

/** The next look: at the deadline, at least twice a minute, and at growing distances where a session outlives its deadline. */
function schedule(watched: Watched, { cookie }: Pick<SessionData, 'cookie'>): void {
  const now = Date.now()
  const expires = cookie.expires ? new Date(cookie.expires).getTime() : Number.POSITIVE_INFINITY
  if (expires > now) watched.deadline = expires
  const recheck = now + RECHECK * (0.75 + Math.random() / 4)
  watched.checkAt = Math.min(recheck, watched.deadline > now ? watched.deadline + 1 : now + Math.max(500, now - watched.deadline))
}
