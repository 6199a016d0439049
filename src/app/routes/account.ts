import { type Request, Router } from 'express'
import { BelfryError, InvalidError, sendProblem, wantsJson } from '../../notifications/index.js'
import { me, readBodyBehind, requireSignedIn, saveSession } from '../auth.js'
import type { AppContext } from '../context.js'
import { tellOfTrouble } from '../errors.js'
import { field, parameter } from '../fields.js'
import { askerOf } from '../passwords.js'
import { PasswordThrottle } from '../throttle.js'
import type { User } from '../users.js'
import { words } from '../words.js'

/** What does not fit its field, and too many wrong passwords. */
const ANSWERED_BY_THE_FORM = [422, 429]
const CHANGED = 'Your password is changed. Every other device was signed out.'

/** What somebody can see and change of their own account. */
export function accountRoutes(context: AppContext): Router {
  const router = Router()
  const throttle = new PasswordThrottle()

  router.get('/account', requireSignedIn, async (req, res) => {
    await context.page(res, 'account', {
      ...words,
      title: 'Your account',
      current: 'account',
      errors: [],
      done: parameter(req, 'changed') === '' ? '' : CHANGED,
    })
  })

  router.post('/account/password', readBodyBehind(requireSignedIn, context.users), async (req, res) => {
    try {
      await changePassword(context, throttle, req, me(res))
    } catch (error) {
      if (!(error instanceof BelfryError) || !ANSWERED_BY_THE_FORM.includes(error.status)) throw error
      if (wantsJson(req)) return sendProblem(res, error)
      tellOfTrouble(context.log, res, error)
      const errors = error instanceof InvalidError ? error.errors : [{ field: 'current', message: error.message }]
      return context.page(res, 'account', { ...words, title: 'Your account', current: 'account', errors, done: '' }, error.status)
    }
    if (wantsJson(req)) res.json({ changed: true })
    else res.redirect(303, '/account?changed=1')
  })
  return router
}

async function changePassword(context: AppContext, throttle: PasswordThrottle, req: Request, user: User): Promise<void> {
  const { users, passwords, accounts } = context
  const [current, password] = [field(req, 'current'), field(req, 'password')]
  const verify = async () => (await passwords.check(current, await users.passwordHash(user.id))) || undefined
  // In one turn at the passwords: those that only wait for theirs count for no failure yet.
  const right = await passwords.inTurn(askerOf(user), () => throttle.attempt(req.sessionID, verify))
  if (right === undefined) throw new InvalidError([{ field: 'current', message: 'This is not your present password.' }])
  const generation = await accounts.setPassword(user, password, req.sessionID)
  if (req.session.signedIn !== undefined) req.session.signedIn = { ...req.session.signedIn, generation }
  await saveSession(req)
}
