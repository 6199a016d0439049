import type { Request, Response } from 'express'
import { UnavailableError } from '../errors.js'
import type { Person } from '../person.js'
import type { State } from '../protocol.js'
import type { Freshness, Service } from '../service.js'
import type { HttpContext } from './context.js'
import { SignedOutError } from './problem.js'
import { hasStoredSession, lookUp } from './stored-session.js'
import { isMeantFor } from './user-marks.js'

/** Who is there, with their state when the request came in. */
export interface Visit {
  readonly person: Person
  readonly state: State
  /** Whether their topics are recorded, so that whatever is read is theirs. False while nothing can be written: then the state is that of the topics before. */
  readonly recorded: boolean
  /** From before the host was asked who it is, by performance.now(). */
  readonly since: number
}

/** Those of each plugin, told apart by its service. */
const visits = new WeakMap<Service, WeakMap<Request, Promise<Visit | null>>>()

/** Asks the host once a request, however many of our handlers it passes, and remembers the answer; changed topics are recorded on the way. */
export function visitOf(context: HttpContext, req: Request): Promise<Visit | null> {
  const known = visits.get(context.service) ?? new WeakMap<Request, Promise<Visit | null>>()
  visits.set(context.service, known)
  const asked = known.get(req) ?? recognise(context, req)
  known.set(req, asked)
  return asked
}

/** Who was there when that was asked first in this request; undefined where it was not asked. */
export function earlierVisit({ service }: Pick<HttpContext, 'service'>, req: Request): Promise<Visit | null> | undefined {
  return visits.get(service)?.get(req)
}

async function recognise(context: HttpContext, req: Request): Promise<Visit | null> {
  const visit = await newVisit(context, req)
  if (visit === null) context.hints.unrecognised(req)
  else context.hints.recognised(req, visit.person.id)
  return visit
}

/** As `visitOf`, for routes that need somebody: throws SignedOutError. Marks the answer as theirs alone. */
export async function signedIn(context: HttpContext, req: Request, res: Response): Promise<Visit> {
  res.set('Cache-Control', 'private, no-cache').vary('Cookie').vary('Accept')
  const visit = await visitOf(context, req)
  if (visit === null) throw new SignedOutError()
  return visit
}

/** As `signedIn`, for routes that show notifications. */
export async function reader(context: HttpContext, req: Request, res: Response): Promise<Visit> {
  const visit = await signedIn(context, req, res)
  ensureRecorded(visit)
  return visit
}

/** Throws UnavailableError while changed topics are not recorded: whoever has lost one would go on reading what it was sent. */
export function ensureRecorded({ recorded }: Visit): void {
  if (!recorded) throw new UnavailableError('Your topics have changed, which could not be recorded yet.')
}

/** Asks the host each time that it is called, and records changed topics. For requests that Express never sees: upgrades, and polls ahead of the app. */
export async function newVisit({ identify, service }: HttpContext, req: Request, asOf?: Freshness): Promise<Visit | null> {
  const since = performance.now()
  const person = await identify(req)
  if (person === null || !isMeantFor(person.id, req)) return null
  const { state, recorded } = await service.stateOf(person, since, asOf)
  return { person, state, recorded, since }
}

/**
 * Whether somebody whose request has been under way for long is still there, by what the session store holds now and the host says of that. Throws
 * UnavailableError where the store cannot be asked.
 */
export async function isStillThere({ identify }: HttpContext, req: Request, { person }: Visit): Promise<boolean> {
  // Not the request itself: what the host has changed of its session meanwhile is still to be saved.
  const now: Request = Object.create(req)
  if (hasStoredSession(req)) {
    const found = await lookUp({ id: req.sessionID, store: req.sessionStore })
    if (found === 'unknown') throw new UnavailableError('The session store does not answer.')
    if (found === 'gone') return false
    req.sessionStore.createSession(now, found)
  }
  return (await identify(now))?.id === person.id
}
