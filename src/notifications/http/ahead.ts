import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Request } from 'express'
import type { SessionData } from 'express-session'
import { Recent } from '../recent.js'
import type { HttpContext } from './context.js'
import { asExpressRequest } from './origin.js'
import { pollAnswer, sendPollAnswer } from './polled.js'
import { visitOnce } from './visit.js'

interface Known {
  readonly id: string
  readonly store: Request['sessionStore']
}

/** Cookies that are kept; who polls again after being forgotten goes through the app once. */
const KEPT = 20_000
const LONGEST_COOKIE = 4096

/**
 * Cookie headers that the session middleware itself has accepted, each with the session that it found: the same header names the same session
 * again, whatever secrets it was signed with. Whether that session still exists is for its store to say, each time.
 */
export class KnownCookies {
  readonly #known = new Recent<string, Known>(KEPT)
  /** Nothing is kept for hosts that do not ask. */
  enabled = false

  /** To be called where a request came through the session middleware and somebody was there. */
  learn({ headers: { cookie }, sessionID: id, sessionStore: store }: Request): void {
    if (!this.enabled || cookie === undefined || cookie.length > LONGEST_COOKIE || !names(cookie, id)) return
    this.#known.set(cookie, { id, store })
  }

  find(cookie: string | undefined): Known | undefined {
    return cookie === undefined ? undefined : this.#known.get(cookie)
  }

  forget(cookie: string | undefined): void {
    if (cookie !== undefined) this.#known.delete(cookie)
  }
}

/** A header without the id was not what the session was found by: the host may have made it in this very request, for somebody it knows otherwise. */
function names(cookie: string, id: string): boolean {
  return id.length >= 16 && cookie.includes(encodeURIComponent(`s:${id}.`))
}

/** Answers polls of those whose cookie is known, and leaves everything else, all that is in doubt included, to `listener`. */
export function createAhead(context: HttpContext, listener: RequestListener): RequestListener {
  const { options, cookies } = context
  const path = `${options.basePath}/unread`
  cookies.enabled = true
  return (req, res) => {
    const known = req.method === 'GET' && isAt(path, req.url) ? cookies.find(req.headers.cookie) : undefined
    if (known === undefined) {
      listener(req, res)
      return
    }
    known.store.get(known.id, (error: unknown, session?: SessionData | null) => {
      if (error || !session) decline(context, req, res, listener)
      else void answer(context, { req, res, listener }, known, session)
    })
  }
}

interface Poll {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly listener: RequestListener
}

async function answer(context: HttpContext, { req, res, listener }: Poll, { id, store }: Known, session: SessionData): Promise<void> {
  const asked = asExpressRequest(req, context.options)
  asked.sessionID = id
  asked.sessionStore = store
  store.createSession(asked, session)
  try {
    // Whatever this request may have to know of was committed before it came, so one look serves all that came together.
    const visit = await visitOnce(context, asked, 'this turn')
    if (visit !== null) {
      sendPollAnswer(res, pollAnswer(visit, req.headers['if-none-match']))
      return
    }
  } catch {
    // The app says what is wrong, in its own way.
  }
  decline(context, req, res, listener)
}

/** As if nobody had looked: the app finds the session, or finds none, by itself. */
function decline({ cookies }: HttpContext, req: IncomingMessage, res: ServerResponse, listener: RequestListener): void {
  cookies.forget(req.headers.cookie)
  listener(req, res)
}

function isAt(path: string, url: string | undefined): boolean {
  return url === path || url?.startsWith(`${path}?`) === true
}
