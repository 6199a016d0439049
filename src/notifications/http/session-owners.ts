import type { Request } from 'express'
import type { SessionData } from 'express-session'
import type { Logger } from '../logger.js'
import { type Answer, contentOf, LastAnswers } from './last-answers.js'
import { SavedMeanwhile } from './saved-meanwhile.js'
import { names, sessionKey } from './stored-session.js'
import type { Watched } from './watched.js'

export interface SessionOwnersOptions {
  /** The id of whoever is there, by the host's `identify`; null when nobody is. */
  readonly whoIs: (req: Request) => Promise<string | null>
  /** The id of whoever was there when that was first asked in this request, null where nobody is known to have been; undefined where it was not asked. */
  readonly whoWas: (req: Request) => Promise<string | null> | undefined
  readonly logger: Logger
}

/** A session, by its key, has become somebody else's, or nobody's: connections that came in by `at`, in milliseconds since 1970, end; `kept` is whose it is now. */
type Lost = (key: string, at: number, kept?: string) => void

/**
 * Added to the moment at which a request came in, in milliseconds, for an ending that is to spare that request: moments are cut to whole milliseconds on the
 * way, and the hub takes each ending to be one millisecond later than it says (`RecentEndings`).
 */
const SPARING_IT = -2
/** The same for an ending that is to mean that request, too. */
const MEANING_IT = 1

/** Whose the sessions of live connections are, here and in other processes: whoever saves one may have signed somebody else in, or out, and kept it. */
export class SessionOwners {
  readonly #options: SessionOwnersOptions
  readonly #watched: ReadonlyMap<string, Watched>
  readonly #lost: Lost
  readonly #saved = new SavedMeanwhile()
  readonly #answers = new LastAnswers()

  constructor(options: SessionOwnersOptions, watched: ReadonlyMap<string, Watched>, lost: Lost) {
    this.#options = options
    this.#watched = watched
    this.#lost = lost
  }

  /** A connection is being let in, whose session is not watched yet; returns what is to be called when it is, or was refused. */
  arriving(): () => void {
    return this.#saved.arriving()
  }

  /** A connection of a user's came in then, by performance.now(): older ones of somebody else's end, and this one where it is the older. */
  cameIn(key: string, watched: Watched, user: string, since: number): void {
    const asOf = Math.trunc(since)
    const isNewest = asOf >= watched.asOf
    const kept = isNewest ? user : watched.user
    if (watched.user !== user) this.#lost(key, momentOf(since) + (isNewest ? SPARING_IT : MEANING_IT), kept ?? undefined)
    if (isNewest) belongs(watched, user, asOf)
    // It was read before: whoever saved it since then may have signed somebody else in.
    const saved = this.#saved.since(key, since)
    if (saved !== undefined) this.#ask(key, saved, undefined, momentOf(since) + MEANING_IT)
  }

  /** This process has saved a session. Other processes may have connections of one that the request came with, whether or not this one has. */
  heardSaved(id: string, session: SessionData): void {
    const req = requestOf(session)
    const before = req !== undefined && names(req.headers?.cookie, id) ? this.#options.whoWas(req) : undefined
    if (before === undefined && !this.#saved.matters && this.#watched.size === 0) return
    const key = sessionKey(id)
    this.#saved.note(key, session)
    if (before !== undefined || this.#watched.has(key)) this.#ask(key, session, before)
  }

  #ask(key: string, session: SessionData, before?: Promise<string | null>, meant?: number): void {
    this.#askWhose(key, session, before, meant).catch((error: unknown) => this.#untold(error))
  }

  /**
   * The host says whose it is, by the request that saved it.
   * @param before whose it was when its request came in, where that was asked
   * @param meant connections that came in by then end, in milliseconds since 1970; unless told, all that there are
   */
  async #askWhose(key: string, session: SessionData, before: Promise<string | null> | undefined, meant: number | undefined): Promise<void> {
    const at = Date.now()
    const asOf = Math.trunc(performance.now())
    const req = requestOf(session)
    if (req === undefined) return
    const content = contentOf(session)
    const was = this.#watched.get(key)?.user ?? (await before)
    if (!was && !this.#watched.has(key)) return
    const user = await this.#whose(req, key, { content, user: was ?? null, asOf }, before)
    const watched = this.#watched.get(key)
    // What was asked first may be answered last.
    if (watched !== undefined && asOf < watched.asOf) return
    // Whoever has just signed in may be back as soon as that is answered.
    if ((watched ? watched.user : was) !== user) this.#lost(key, meant ?? (user === null ? at : at + SPARING_IT), user ?? undefined)
    if (watched !== undefined) belongs(watched, user, asOf)
  }

  /** @param last the answer that still holds where neither the session has changed nor what the host said at the beginning of this request */
  async #whose(req: Request, key: string, last: Answer, before: Promise<string | null> | undefined): Promise<string | null> {
    if (this.#answers.hold(key, last)) {
      const began = await before
      if (began === undefined || began === last.user) return last.user
    }
    // Not the request itself: what the host keeps with it of who is there is from before.
    const user = await this.#options.whoIs(Object.create(req))
    this.#answers.note(key, { ...last, user })
    return user
  }

  #untold(error: unknown): void {
    this.#options.logger.warn({ err: error }, 'who is there could not be asked after a session was saved')
  }
}

/** The request that a session of express-session's belongs to. */
function requestOf(session: SessionData): Request | undefined {
  const req: unknown = Reflect.get(session, 'req')
  return typeof req === 'object' && req !== null ? (req as Request) : undefined
}

/** In milliseconds since 1970, from one by performance.now(). */
function momentOf(since: number): number {
  return Date.now() - (performance.now() - since)
}

function belongs(watched: Watched, user: string | null, asOf: number): void {
  watched.user = user
  watched.asOf = asOf
}
