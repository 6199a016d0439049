import { type Request, type Response, Router } from 'express'
import { checkDraft, type FieldError, InvalidError, wantsJson } from '../../notifications/index.js'
import { disabledOrUnknown, lookUp } from '../addressees.js'
import { me, readBodyBehind, requireSignedIn } from '../auth.js'
import { field, parameter } from '../body.js'
import { composeScript } from '../compose-script.js'
import type { AppContext } from '../context.js'
import { MESSAGES, senderOfUser } from '../sent.js'
import { usernameProblem } from '../users.js'
import { words } from '../words.js'

interface MessageValues {
  readonly to: string
  readonly title: string
  readonly body: string
}

/** One person writes to another: an ordinary route that creates a notification, as those of host apps do. */
export function messageRoutes(context: AppContext): Router {
  const routes = Router()
  routes.use('/messages', requireSignedIn)
  routes.get('/messages/new', async (req, res) => {
    const [to, sent] = [parameter(req, 'to'), parameter(req, 'sent')]
    const values = { to: usernameProblem(to) === undefined ? to : '', title: '', body: '' }
    await showForm(context, res, { values, sent: usernameProblem(sent) === undefined ? sent : '' })
  })
  routes.post('/messages', readBodyBehind(requireSignedIn, context.users, '64kb'), (req, res) => send(context, req, res))
  return routes
}

async function send(context: AppContext, req: Request, res: Response): Promise<void> {
  const values = { to: field(req, 'to'), title: field(req, 'title'), body: field(req, 'body') }
  const author = me(res)
  try {
    const { id, username } = await recipient(context, values)
    const draft = { to: { user: id }, title: values.title, body: values.body, category: MESSAGES, data: { from: author.username } }
    const stored = await context.notifications.notify({ ...draft, sender: senderOfUser(author.id) })
    if (wantsJson(req)) res.status(201).json({ id: stored.id, to: username, title: stored.title, body: stored.body, createdAt: stored.createdAt })
    else res.redirect(303, `/messages/new?sent=${encodeURIComponent(username)}`)
  } catch (error) {
    if (wantsJson(req) || !(error instanceof InvalidError)) throw error
    await showForm(context, res, { values, errors: error.errors }, 422)
  }
}

/** Whom it goes to. Throws InvalidError with everything that is wrong, title and text included. */
async function recipient({ users }: AppContext, { to, title, body }: MessageValues): Promise<{ readonly id: string; readonly username: string }> {
  const name = to.trim()
  const find = await lookUp(users, [name])
  const problem = name === '' ? 'Write the username of somebody.' : disabledOrUnknown([name], find)
  const found = find(name)
  if (problem === undefined && found !== undefined) return found
  throw new InvalidError([{ field: 'to', message: problem ?? 'Write a username.' }, ...checkDraft({ to: 'everyone', title, body })])
}

interface Shown {
  readonly values: MessageValues
  readonly errors?: readonly FieldError[]
  readonly sent?: string
}

async function showForm({ page }: AppContext, res: Response, { values, errors = [], sent = '' }: Shown, status = 200): Promise<void> {
  const title = errors.length > 0 ? 'Please check: write to somebody' : 'Write to somebody'
  await page(res, 'messages-new', { ...words, values, errors, sent, title, current: 'write', head: composeScript() }, status)
}
