import { type Request, type RequestHandler, type Response, Router } from 'express'
import { BelfryError, type Identity } from '../notifications/index.js'
import { readBody } from './body.js'
import { field } from './fields.js'
import { type User, type Users, usernameProblem } from './users.js'

const asked = new WeakMap<Request, Promise<User | null>>()

/** Who is signed in on this request; asked once. Null for those who were disabled or got a new password since. */
export function userOf(users: Users, req: Request): Promise<User | null> {
  const known = asked.get(req) ?? find(users, req)
  asked.set(req, known)
  return known
}

/** Makes who is there known to routes and views, as `res.locals.me`. */
export function loadUser(users: Users): RequestHandler {
  return async (req, res, next) => {
    res.locals.me = await userOf(users, req)
    next()
  }
}

/** Lets only those pass who are signed in; their answers are theirs alone. */
export const requireSignedIn: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'private, no-cache').vary('Cookie')
  if (signedInAs(res) === null) throw new SignedOutError()
  next()
}

/** Lets only admins pass. */
export const requireAdmin: RequestHandler = (req, res, next) => {
  requireSignedIn(req, res, () => {
    if (me(res).role !== 'admin') throw new BelfryError('not_admin', 403, 'Only admins can do this.')
    next()
  })
}

/**
 * Reads the body of those whom `guard` lets pass, and lets them pass it again: while a body comes, which may take half a minute, they may be signed
 * out, disabled or made a member. A form of a page that was somebody else's is refused with OtherPersonError.
 */
export function readBodyBehind(guard: RequestHandler, users: Users, limit?: string): RequestHandler {
  const lookAgain: RequestHandler = async (req, res, next) => {
    asked.set(req, findAgain(users, req))
    res.locals.me = await userOf(users, req)
    next()
  }
  return Router().use(guard, readBody(limit), lookAgain, guard, refuseOthers)
}

/** Forms say in `signedInAs` whose page they stand on. Who has signed in since then has not filled them in. */
const refuseOthers: RequestHandler = (req, res, next) => {
  const opened = field(req, 'signedInAs')
  const { username } = me(res)
  if (opened !== '' && opened !== username) throw new OtherPersonError(opened, username)
  next()
}

/** Who is signed in, behind `requireSignedIn` or `requireAdmin`. */
export function me(res: Response): User {
  const user = signedInAs(res)
  if (user === null) throw new SignedOutError()
  return user
}

/** Who is signed in, or null. */
export function signedInAs(res: Response): User | null {
  return (res.locals.me as User | null | undefined) ?? null
}

/** A script gets 401, a person is sent to sign in. */
export class SignedOutError extends BelfryError {
  constructor() {
    super('signed_out', 401, 'Sign in first.')
  }
}

/** What was filled in as one person and sent when another had signed in; nothing is done in the name of the second. */
export class OtherPersonError extends BelfryError {
  /** As whom it was filled in, in words. */
  readonly opened: string

  constructor(opened: string, now: string) {
    const name = usernameProblem(opened) === undefined ? opened : 'somebody else'
    super('other_person', 409, `You are signed in as ${now} now, and this page was opened as ${name}: nothing was sent or changed.`)
    this.opened = name
  }
}

/** What the plugin is told of a user: broadcasts are theirs since they are here, and a role's since they have it. */
export function identityOf(user: User): Identity {
  return { id: String(user.id), since: user.createdAt, topics: [{ name: `role:${user.role}`, since: user.roleSince }] }
}

/** Remembers who signed in, under a new session id, and resolves when that is stored: then the answer may be sent. */
export async function startSession(req: Request, user: User): Promise<void> {
  try {
    await settled((done) => req.session.regenerate(done))
    req.session.signedIn = { userId: user.id, generation: user.generation, at: Date.now() }
    await saveSession(req)
  } catch (error) {
    // Or the answer would carry a cookie for a session that was never stored.
    Reflect.deleteProperty(req, 'session')
    throw error
  }
}

export function saveSession(req: Request): Promise<void> {
  return settled((done) => req.session.save(done))
}

export function endSession(req: Request): Promise<void> {
  return settled((done) => req.session.destroy(done))
}

async function find(users: Users, req: Request): Promise<User | null> {
  const signedIn = req.session?.signedIn
  if (signedIn === undefined) return null
  const user = await users.byId(signedIn.userId)
  return user === undefined || user.disabledAt !== null || user.generation !== signedIn.generation ? null : user
}

/** After a while: the session that the request came with may have ended. */
async function findAgain(users: Users, req: Request): Promise<User | null> {
  const lives = await new Promise<boolean>((resolve, reject) => {
    req.sessionStore.get(req.sessionID, (error: unknown, session) => (error ? reject(error) : resolve(Boolean(session))))
  })
  return lives ? find(users, req) : null
}

function settled(start: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined || error === null ? resolve() : reject(error)))
  })
}
