import type { Request } from 'express'
import type { Store } from 'express-session'
import { Recent } from '../recent.js'
import { hasStoredSession, names } from './stored-session.js'

/** The session that a cookie names. */
export interface KnownSession {
  readonly id: string
  readonly store: Store & { readonly generate: (req: Express.Request) => void }
}

/** Cookies that are kept; who polls again after being forgotten goes through the app once. */
const KEPT = 20_000
const LONGEST_COOKIE = 4096

/**
 * Cookie headers that the session middleware itself has accepted, each with the session that it found: the same header names the same session
 * again, whatever secrets it was signed with. Whether that session still exists is for its store to say, each time.
 */
export class KnownCookies {
  readonly #known = new Recent<string, KnownSession>(KEPT)
  /** Set by `ahead()`: for hosts that do not use it nothing is kept. */
  enabled = false

  /** To be called where a request came through the session middleware and somebody was there. */
  learn(req: Request): void {
    const { cookie } = req.headers
    if (!this.enabled || cookie === undefined || cookie.length > LONGEST_COOKIE || !hasStoredSession(req)) return
    const { sessionID: id, sessionStore: store } = req
    if (names(cookie, id)) this.#known.set(cookie, { id, store })
  }

  find(cookie: string | undefined): KnownSession | undefined {
    return cookie === undefined ? undefined : this.#known.get(cookie)
  }

  forget(cookie: string | undefined): void {
    if (cookie !== undefined) this.#known.delete(cookie)
  }
}
