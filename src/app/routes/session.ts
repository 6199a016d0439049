import { type Request, type Response, Router } from 'express'
import { BelfryError, sendProblem, wantsJson } from '../../notifications/index.js'
import { endSession, requireSignedIn, startSession } from '../auth.js'
import { readBody } from '../body.js'
import type { AppContext } from '../context.js'
import { tellOfTrouble } from '../errors.js'
import { field, parameter } from '../fields.js'
import { afterUnsent, isWrittenOn } from '../form-pages.js'
import { sameSitePath } from '../next.js'
import { composeScript } from '../page-scripts.js'
import { COOKIE } from '../session.js'
import { networkOf, SignInThrottle } from '../throttle.js'
import type { User } from '../users.js'

const INBOX = '/notifications'
/** A wrong sign-in, too many of them, and too many people at once. */
const ANSWERED_BY_THE_FORM = [401, 429, 503]

/** One sentence for every reason: who exists, and who is disabled, is nobody's business. */
class WrongSignInError extends BelfryError {
  constructor() {
    super('wrong_sign_in', 401, 'The username or the password is wrong.')
  }
}

/** Signing in and out. */
export function sessionRoutes(context: AppContext): Router {
  const router = Router()
  const throttle = new SignInThrottle()

  router.get('/login', async (req, res) => {
    await showForm(context, res, { next: parameter(req, 'next'), unsent: parameter(req, 'unsent') !== '' })
  })

  router.post('/login', readBody(), async (req, res) => {
    const [next, unsent] = [field(req, 'next'), field(req, 'unsent') !== '']
    const [username, password] = [field(req, 'username'), field(req, 'password')]
    try {
      const user = await verify(context, throttle, { username, password, address: req.ip ?? '' })
      await startSession(req, user)
      answerSignedIn(req, res, user, { next, unsent })
    } catch (error) {
      if (!(error instanceof BelfryError) || !ANSWERED_BY_THE_FORM.includes(error.status)) throw error
      if (error.status === 429) context.log.warn({ address: req.ip, retryAfter: error.retryAfter }, 'a sign-in was refused, as too many have failed')
      if (wantsJson(req)) return sendProblem(res, error)
      tellOfTrouble(context.log, res, error)
      await showForm(context, res, { username, next, unsent, error: error.message, wrong: error instanceof WrongSignInError }, error.status)
    }
  })

  router.post('/logout', requireSignedIn, async (req, res) => {
    await endSession(req)
    res.clearCookie(COOKIE, { httpOnly: true, sameSite: 'lax', path: '/' })
    if (wantsJson(req)) res.json({ signedIn: false })
    else res.redirect(303, '/login')
  })
  return router
}

/** In one turn at the passwords: those who only wait for theirs count for no failure yet. */
async function verify(
  context: AppContext,
  throttle: SignInThrottle,
  attempt: { username: string; password: string; address: string },
): Promise<User> {
  const { users, passwords } = context
  const { username, password, address } = attempt
  const signIn = async () => {
    const user = await users.byName(username)
    const hash = user === undefined ? undefined : await users.passwordHash(user.id)
    const right = await passwords.check(password, hash)
    return right && user?.disabledAt === null ? user : undefined
  }
  const user = await passwords.inTurn(networkOf(address), () => throttle.attempt(username, address, signIn))
  if (user === undefined) throw new WrongSignInError()
  return user
}

function answerSignedIn(req: Request, res: Response, user: User, { next, unsent }: FormValues): void {
  const page = sameSitePath(next) ?? INBOX
  if (wantsJson(req)) res.json({ username: user.username, role: user.role })
  else res.redirect(303, unsent ? afterUnsent(page) : page)
}

interface FormValues {
  readonly next: string
  readonly username?: string
  readonly error?: string
  /** Whether it is the name or the password that is at fault. */
  readonly wrong?: boolean
  /** Whether something was sent that was not taken, for nobody was signed in. */
  readonly unsent: boolean
}

async function showForm(context: AppContext, res: Response, values: FormValues, status = 200): Promise<void> {
  res.set('Cache-Control', 'private, no-cache')
  const next = sameSitePath(values.next) ?? ''
  const nothing = { username: '', error: '', wrong: false, written: isWrittenOn(next) }
  await context.page(res, 'login', { title: 'Sign in', head: composeScript(), ...nothing, ...values, next }, status)
}
