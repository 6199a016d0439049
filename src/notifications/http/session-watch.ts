import type { Request } from 'express'
import type { SessionData } from 'express-session'
import { OptionError } from '../errors.js'
import { HeardStores } from './heard-stores.js'
import { SessionOwners, type SessionOwnersOptions } from './session-owners.js'
import { hasStoredSession, lookUp, STORE_WITHIN, sessionKey } from './stored-session.js'
import { isDue, RECHECK, schedule, type Watched } from './watched.js'

interface SessionWatchOptions extends SessionOwnersOptions {
  /**
   * A session, by its key, has ended, or now belongs to the user `kept`: connections that came in by `at`, in milliseconds since 1970, end. May be told more
   * than once, and of sessions without connections.
   */
  readonly ended: (key: string, at: number, kept?: string) => void
}

/** How often deadlines are looked at, in milliseconds. */
const EVERY = 300
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
 * expires, and within half a minute when it vanished from the store in any other way; and when it became somebody else's, or nobody's. Never
 * extends a session.
 */
export class SessionWatch {
  readonly #options: SessionWatchOptions
  readonly #stores: HeardStores
  readonly #watched = new Map<string, Watched>()
  readonly #owners: SessionOwners
  #timer: NodeJS.Timeout | undefined
  #reading = 0
  /** The store did not answer when it was last asked. */
  #out = false
  #closed = false

  constructor(options: SessionWatchOptions) {
    this.#options = options
    this.#owners = new SessionOwners(options, this.#watched, (key, at, kept) => this.#end(key, at, kept))
    this.#stores = new HeardStores({
      destroyed: (id) => this.#end(sessionKey(id)),
      // Whose sessions those were it does not say.
      cleared: () => this.#doubtAll(),
      extended: (id, session) => this.#extend(id, session),
      saved: (id, session) => this.#owners.heardSaved(id, session),
    })
  }

  /** From now on hears of what this process does to the sessions of this request's store: ends by `destroy()`, `regenerate()` or `clear()`, saves, extends. */
  guard(req: Request): void {
    if (req.sessionStore !== undefined) this.#stores.hear(req.sessionStore)
  }

  /** A connection is being let in, whose session is not watched yet; returns what is to be called when it is, or was refused. */
  arriving(): () => void {
    return this.#owners.arriving()
  }

  /**
   * Watches the session of a request for one more connection; returns its key, which `unwatch` takes. Where it was somebody else's when an older one
   * came in, that ends, and this one where it is the older. Throws an OptionError where it is none of express-session's.
   * @param since when the request came in, by performance.now()
   */
  watch(req: Request, user: string, since: number): string {
    if (!hasStoredSession(req)) throw new OptionError(NO_STORED_SESSION)
    const key = sessionKey(req.sessionID)
    const watched = this.#watched.get(key) ?? {
      id: copied(req.sessionID),
      store: req.sessionStore,
      user,
      asOf: Math.trunc(since),
      connections: 0,
      deadline: 0,
      checkAt: 0,
      look: 'in time',
    }
    watched.connections++
    this.#watched.set(key, watched)
    schedule(watched, req.session)
    this.#owners.cameIn(key, watched, user, since)
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
    this.#stores.close()
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

  #doubtAll(): void {
    for (const key of this.#watched.keys()) this.doubt(key)
  }

  #end(key: string, at = Date.now(), kept?: string): void {
    if (!this.#closed) this.#options.ended(key, at, kept)
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
    if (this.#reading === AT_ONCE - 1 && this.#timer !== undefined) setImmediate(() => this.#check())
  }

  #warnOnce(out: boolean): void {
    if (out && !this.#out) this.#options.logger.warn({}, 'the session store cannot be asked whether sessions still exist; trying again')
    this.#out = out
  }
}
