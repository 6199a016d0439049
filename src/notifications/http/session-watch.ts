import type { Request } from 'express'
import type { SessionData } from 'express-session'
import { OptionError } from '../errors.js'
import type { Logger } from '../logger.js'
import { HeardStores } from './heard-stores.js'
import { SavedMeanwhile } from './saved-meanwhile.js'
import { hasStoredSession, lookUp, STORE_WITHIN, sessionKey } from './stored-session.js'
import { isDue, RECHECK, schedule, type Watched } from './watched.js'

interface SessionWatchOptions {
  /**
   * A session has ended, by its key, or is not any more whose it was: for what came in until then, in milliseconds since 1970. May be told more than
   * once, and of sessions without connections.
   */
  readonly ended: (key: string, at: number) => void
  /** The id of whoever is there, by the host's `identify`; null when nobody is. */
  readonly whoIs: (req: Request) => Promise<string | null>
  readonly logger: Logger
}

/** How often deadlines are looked at, in milliseconds. */
const EVERY = 300
/**
 * What is added to the moment at which a request came in, in milliseconds, where an ending is to spare that request. Moments are cut to whole milliseconds
 * on the way, so the hub takes each ending to be one millisecond later than it is told (`RecentEndings`), and what came in before ended one before it.
 */
const SPARING_IT = -2
/** And where it is meant, too, whatever was cut off. */
const MEANING_IT = 1
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
  readonly #saved = new SavedMeanwhile()
  #timer: NodeJS.Timeout | undefined
  #reading = 0
  /** The store did not answer when it was last asked. */
  #out = false
  #closed = false

  constructor(options: SessionWatchOptions) {
    this.#options = options
    this.#stores = new HeardStores({
      destroyed: (id) => this.#end(sessionKey(id)),
      // Whose sessions those were it does not say.
      cleared: () => this.#doubtAll(),
      extended: (id, session) => this.#extend(id, session),
      saved: (id, session) => this.#heardSaved(id, session),
    })
  }

  /** From now on hears of what this process does to the sessions of this request's store: ends by `destroy()`, `regenerate()` or `clear()`, saves, extends. */
  guard(req: Request): void {
    if (req.sessionStore !== undefined) this.#stores.hear(req.sessionStore)
  }

  /** A connection is being let in, whose session is not watched yet; returns what is to be called when it is, or was refused. */
  arriving(): () => void {
    return this.#saved.arriving()
  }

  /**
   * Watches the session of a request for one more connection; returns its key, which `unwatch` takes. Where it was somebody else's when an older one
   * came in, that ends, and this one where it is the older. Throws an OptionError where it is none of express-session's.
   * @param since when the request came in, by performance.now()
   */
  watch(req: Request, user: string, since: number): string {
    if (!hasStoredSession(req)) throw new OptionError(NO_STORED_SESSION)
    const key = sessionKey(req.sessionID)
    const asOf = Math.trunc(since)
    const watched = this.#watched.get(key) ?? {
      id: copied(req.sessionID),
      store: req.sessionStore,
      user,
      asOf,
      connections: 0,
      deadline: 0,
      checkAt: 0,
      look: 'in time',
    }
    watched.connections++
    const isNewest = asOf >= watched.asOf
    if (watched.user !== user) this.#end(key, momentOf(since) + (isNewest ? SPARING_IT : MEANING_IT))
    if (isNewest) belongs(watched, user, asOf)
    this.#watched.set(key, watched)
    schedule(watched, req.session)
    // It was read before: whoever saved it since then may have signed somebody else in.
    const saved = this.#saved.since(key, since)
    if (saved !== undefined) this.#ask(key, saved, momentOf(since) + MEANING_IT)
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

  #heardSaved(id: string, session: SessionData): void {
    if (!this.#saved.matters && this.#watched.size === 0) return
    const key = sessionKey(id)
    this.#saved.note(key, session)
    this.#ask(key, session)
  }

  #ask(key: string, session: SessionData, meant?: number): void {
    this.#askWhose(key, session, meant).catch((error: unknown) => this.#untold(error))
  }

  /**
   * Whoever saved it may have signed somebody else in, or out, and kept the session: the host says, by the request that did it.
   * @param meant until when requests came in that end then, in milliseconds since 1970; unless told, all that did
   */
  async #askWhose(key: string, session: SessionData, meant?: number): Promise<void> {
    const at = Date.now()
    const asOf = Math.trunc(performance.now())
    const req: unknown = Reflect.get(session, 'req')
    if (!this.#watched.has(key) || typeof req !== 'object') return
    // Not the request itself: what the host keeps with it of who is there is from before.
    const user = await this.#options.whoIs(Object.create(req))
    const watched = this.#watched.get(key)
    // What was asked first may be answered last.
    if (watched === undefined || asOf < watched.asOf) return
    // Whoever has just signed in may be back as soon as that is answered.
    if (watched.user !== user) this.#end(key, meant ?? (user === null ? at : at + SPARING_IT))
    belongs(watched, user, asOf)
  }

  #untold(error: unknown): void {
    this.#options.logger.warn({ err: error }, 'who is there could not be asked after a session was saved')
  }

  #end(key: string, at = Date.now()): void {
    if (!this.#closed) this.#options.ended(key, at)
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

/** In milliseconds since 1970, from one by performance.now(). */
function momentOf(since: number): number {
  return Date.now() - (performance.now() - since)
}

function belongs(watched: Watched, user: string | null, asOf: number): void {
  watched.user = user
  watched.asOf = asOf
}
