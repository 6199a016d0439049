import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SessionData } from 'express-session'
import { UnavailableError } from '../errors.js'
import { standsBefore } from './app-requests.js'
import type { HttpContext } from './context.js'
import type { KnownSession } from './known-cookies.js'
import { asExpressRequest } from './origin.js'
import { pollAnswer, refusePoll, sendPollAnswer } from './polled.js'
import { readSession, STORE_WITHIN } from './stored-session.js'
import { newVisit } from './visit.js'

/** How often those are looked for who wait longer, in milliseconds. */
const EVERY = 500

/** One request, and the session that its cookie names. */
interface Poll {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly known: KnownSession
  /** What was heard of the session first is what counts; afterwards nobody listens. */
  settled: boolean
}

/** Polls whose session is still being read. One timer serves them all: polls are too many for one each. */
class Pending {
  readonly #late: (polls: readonly Poll[]) => void
  /** Since when, by performance.now(); who has waited longest comes first. */
  readonly #polls = new Map<Poll, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(late: (polls: readonly Poll[]) => void) {
    this.#late = late
  }

  add(poll: Poll): void {
    this.#polls.set(poll, performance.now())
    this.#timer ??= setInterval(() => this.#look(performance.now()), EVERY).unref()
  }

  delete(poll: Poll): void {
    this.#polls.delete(poll)
  }

  #look(now: number): void {
    const late: Poll[] = []
    for (const [poll, since] of this.#polls) {
      if (now - since < STORE_WITHIN) break
      this.#polls.delete(poll)
      poll.settled = true
      late.push(poll)
    }
    if (late.length > 0) this.#late(late)
    if (this.#polls.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Answers polls of those whose cookie is known, and leaves everything else, all that is in doubt included, to `listener`. */
export function createAhead(context: HttpContext, listener: RequestListener): RequestListener {
  const { options, cookies } = context
  const path = `${options.basePath}/unread`
  const pending = new Pending((polls) => giveUp(context, polls))
  const heard = (poll: Poll, error: unknown, session?: SessionData | null) => {
    if (poll.settled) return
    poll.settled = true
    pending.delete(poll)
    if (error || !session) decline(context, poll, listener)
    else void answer(context, poll, session, listener)
  }
  cookies.enabled = true
  const front: RequestListener = (req, res) => {
    const known = req.method === 'GET' && isAt(path, req.url) ? cookies.find(req.headers.cookie) : undefined
    if (known === undefined) {
      listener(req, res)
      return
    }
    const poll = { req, res, known, settled: false }
    readSession(known, (error, session) => heard(poll, error, session))
    if (!poll.settled) pending.add(poll)
  }
  standsBefore(front, listener)
  return front
}

async function answer(context: HttpContext, poll: Poll, session: SessionData, listener: RequestListener): Promise<void> {
  const { req, res, known } = poll
  try {
    const asked = asExpressRequest(req, context.options)
    asked.sessionID = known.id
    asked.sessionStore = known.store
    // Throws where what the store holds is no session.
    known.store.createSession(asked, session)
    // Whatever this request may have to know of was committed before it came, so one look serves all that came together.
    const visit = await newVisit(context, asked, 'this turn')
    if (visit !== null) {
      await context.departure.next()
      sendPollAnswer(res, pollAnswer(visit, req.headers['if-none-match']))
      return
    }
  } catch {
    // The app says what is wrong, in its own way.
  }
  decline(context, poll, listener)
}

/** As if nobody had looked: the app finds the session, or finds none, by itself. */
function decline({ cookies }: HttpContext, { req, res }: Poll, listener: RequestListener): void {
  cookies.forget(req.headers.cookie)
  listener(req, res)
}

/** The app would wait for the same store. */
function giveUp({ options }: HttpContext, polls: readonly Poll[]): void {
  const error = new UnavailableError('The session store does not answer.')
  options.logger.warn({ err: error, polls: polls.length }, 'polls could not be answered')
  for (const { res } of polls) refusePoll(res, error)
}

function isAt(path: string, url: string | undefined): boolean {
  return url === path || url?.startsWith(`${path}?`) === true
}
