import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import type { RefusalReason } from '../metrics.js'
import type { Options } from '../options.js'
import { Recent } from '../recent.js'
import { expectedOrigins, originOf } from './origin.js'
import { hasStoredSession, lookUp, type StoredSession } from './stored-session.js'
import { isMeantFor } from './user-marks.js'

/** Of how many visitors it is kept that a page recognised them. */
const KEPT = 200
/** How many things are said at most: else strangers could fill the log. */
const SAID = 20
/** How many of these are about origins, which strangers can make up: they must not take the place of all else. */
const SAID_OF_ORIGINS = 10

/** Somebody who came with a cookie header, with the session that it was then; null where that stands in no store. */
interface Known {
  readonly user: string
  readonly session: StoredSession | null
}

/** Tells the host what it may have set up wrong, each thing once. Its visitors are served otherwise, so else it would never learn of it. */
export class Hints {
  readonly #options: Options
  readonly #said = new Set<string>()
  readonly #origins = new Set<string>()
  readonly #known = new Recent<string, Known>(KEPT)

  constructor(options: Options) {
    this.#options = options
  }

  /** Somebody was recognised in an ordinary request. */
  recognised(req: Request, user: string): void {
    const { cookie } = req.headers
    const session = hasStoredSession(req) ? { id: req.sessionID, store: req.sessionStore } : null
    if (cookie !== undefined) this.#known.set(cookie, { user, session })
  }

  /** Nobody was. */
  unrecognised({ headers: { cookie } }: IncomingMessage): void {
    if (cookie !== undefined) this.#known.delete(cookie)
  }

  /** A live connection was refused. */
  refused(reason: RefusalReason, req: IncomingMessage): void {
    const { origin, cookie } = req.headers
    if (reason === 'origin' && origin !== undefined) this.#foreign(origin, req, 'a live connection')
    if (reason === 'session' && cookie !== undefined) void this.#notRecognised(cookie, req)
  }

  /** A form, or what a script sent to change something, was refused. Where the browser says itself that another site sent it, nothing is set up wrong. */
  formRefused(req: IncomingMessage): void {
    const { origin, 'sec-fetch-site': site } = req.headers
    if (origin !== undefined && (site === undefined || site === 'same-origin')) this.#foreign(origin, req, 'a form')
  }

  noSession(why: 'out' | 'not mounted'): void {
    const reason =
      why === 'out'
        ? 'its store does not answer, or the middleware given as session sets no req.session'
        : 'the session middleware is not mounted before middleware() and router()'
    this.#say(`a request has no session: ${reason}`)
  }

  /** The router was asked for something: under which path it is mounted shows only then. */
  routed({ baseUrl }: Request): void {
    const { basePath } = this.#options
    if (baseUrl.toLowerCase() === basePath.toLowerCase()) return
    const where = baseUrl === '' ? 'without a path' : `at ${baseUrl}`
    this.#say(`the router is mounted ${where}, but links and live connections go to ${basePath}: set basePath to where it is mounted`)
  }

  /** A handshake of a live connection came as an ordinary request. */
  notUpgraded({ headers }: IncomingMessage): void {
    if (headers['sec-websocket-key'] === undefined) return
    const passed = Boolean(headers.upgrade) && /\bupgrade\b/i.test(headers.connection ?? '')
    const why = passed ? 'attach(server) was not called for this server' : 'a proxy in front does not pass Upgrade and Connection'
    this.#say(`a live connection could not be opened, so browsers make do with the event stream: ${why}`)
  }

  /** What is no origin was sent by no browser, and may hold anything. */
  #foreign(origin: string, req: IncomingMessage, what: 'a live connection' | 'a form'): void {
    if (originOf(origin) !== origin || this.#origins.has(origin) || this.#origins.size >= SAID_OF_ORIGINS) return
    this.#origins.add(origin)
    this.#say(
      `${what} was refused to a page of ${origin}, as only pages of ${expectedOrigins(req, this.#options)} may open live connections and send forms: behind a proxy set trustProxy and let it pass Host, or name your origins in allowedOrigins`,
    )
  }

  /** Whoever has signed out since, or whose session has expired, is rightly refused; so is a page of whoever was there before. */
  async #notRecognised(cookie: string, req: IncomingMessage): Promise<void> {
    const known = this.#known.get(cookie)
    if (known === undefined || !isMeantFor(known.user, req)) return
    if (known.session !== null && typeof (await lookUp(known.session)) === 'string') return
    this.#say(
      'a live connection was refused to somebody whom pages recognise: at a socket only the middleware given as session has run, so identify must need nothing else (such as req.user of passport), and it must be the instance that the app uses',
    )
  }

  #say(message: string): void {
    if (this.#said.has(message) || this.#said.size >= SAID) return
    this.#said.add(message)
    this.#options.logger.warn({}, message)
  }
}
