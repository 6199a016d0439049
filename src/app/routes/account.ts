import { type Request, Router } from 'express'
import { InvalidError, sendProblem, wantsJson } from '../../notifications/index.js'
import { me, readBodyBehind, requireSignedIn, saveSession } from '../auth.js'
import type { AppContext } from '../context.js'
import { field, parameter } from '../fields.js'
import { askerOf } from '../passwords.js'
import type { User } from '../users.js'

const CHANGED = 'Your password is changed. Every other device was signed out.'

/** What somebody can see and change of their own account. */
export function accountRoutes(context: AppContext): Router {
  const router = Router()

  router.get('/account', requireSignedIn, async (req, res) => {
    await context.page(res, 'account', {
      title: 'Your account',
      current: 'account',
      errors: [],
      done: parameter(req, 'changed') === '' ? '' : CHANGED,
    })
  })

  router.post('/account/password', readBodyBehind(requireSignedIn, context.users), async (req, res) => {
    try {
      await changePassword(context, req, me(res))
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error
      if (wantsJson(req)) return sendProblem(res, error)
      return context.page(res, 'account', { title: 'Your account', current: 'account', errors: error.errors, done: '' }, 422)
    }
    if (wantsJson(req)) res.json({ changed: true })
    else res.redirect(303, '/account?changed=1')
  })
  return router
}

async function changePassword({ users, passwords, accounts }: AppContext, req: Request, user: User): Promise<void> {
  const [current, password] = [field(req, 'current'), field(req, 'password')]
  if (!(await passwords.verify(current, await users.passwordHash(user.id), askerOf(user)))) {
    throw new InvalidError([{ field: 'current', message: 'This is not your present password.' }])
  }
  const generation = await accounts.setPassword(user, password, req.sessionID)
  if (req.session.signedIn !== undefined) req.session.signedIn = { ...req.session.signedIn, generation }
  await saveSession(req)
}
