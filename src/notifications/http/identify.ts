import type { Request } from 'express'
import { UnavailableError } from '../errors.js'
import type { Options } from '../options.js'
import { type Person, parsePerson } from '../person.js'
import { within } from '../within.js'
import type { Hints } from './hints.js'
import { whyNoSession } from './load-session.js'
import type { SessionWatch } from './session-watch.js'

/** How long the session middleware may take for a new visitor, in milliseconds. */
const SESSION_WITHIN = 1000
/** How long `identify` may take, in milliseconds. */
const IDENTIFY_WITHIN = 5000

/** Asks the host who is there, and hears from then on of the sessions that it ends. */
export function createIdentify(options: Options, sessions: SessionWatch, hints: Hints): (req: Request) => Promise<Person | null> {
  return async (req) => {
    if (req.session === undefined) return withoutSession(req, options, hints)
    sessions.guard(req)
    return personIn(req, options)
  }
}

/** Who the host says is there, in a request that has its session. Throws UnavailableError where it does not answer in time. */
export async function personIn(req: Request, { identify }: Options): Promise<Person | null> {
  const answer = identify(req)
  const identity = isPending(answer) ? await within(IDENTIFY_WITHIN, Promise.resolve(answer), 'The host did not say in time who is there.') : answer
  return identity === null || identity === undefined ? null : parsePerson(identity, 'identify')
}

/** Where a session has no business to be there is nobody; else that is an outage, not a signed-out person. */
async function withoutSession(req: Request, options: Options, hints: Hints): Promise<null> {
  const why = await within(SESSION_WITHIN, whyNoSession(req, options), 'It took too long to find out who is there.')
  if (why === 'elsewhere') return null
  hints.noSession(why)
  throw new UnavailableError(
    why === 'out' ? 'The session store does not answer.' : 'The session middleware is not mounted before middleware() and router().',
  )
}

/** Whatever can be awaited: query builders are no promises. */
function isPending<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer
}
