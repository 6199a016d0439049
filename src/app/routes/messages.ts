import { randomUUID } from 'node:crypto'
import { type ErrorRequestHandler, type Request, type Response, Router } from 'express'
import { checkDraft, InvalidError, wantsJson } from '../../notifications/index.js'
import { disabledOrUnknown, lookUp } from '../addressees.js'
import { me, readBodyBehind, requireSignedIn } from '../auth.js'
import { LARGEST_FORM } from '../body.js'
import type { AppContext } from '../context.js'
import { parameter, textFields } from '../fields.js'
import { composeScript } from '../page-scripts.js'
import { MESSAGES, senderOfUser } from '../sent.js'
import { type UnsentForm, unsentForm } from '../unsent-form.js'
import { usernameProblem } from '../users.js'
import { words } from '../words.js'

interface MessageValues {
  readonly to: string
  readonly title: string
  readonly body: string
  /** The same key twice makes one message. */
  readonly idempotencyKey: string
}

/** One person writes to another: an ordinary route that creates a notification, as those of host apps do. */
export function messageRoutes(context: AppContext): Router {
  const routes = Router()
  routes.use('/messages', requireSignedIn)
  routes.get('/messages/new', async (req, res) => {
    const [to, sent] = [parameter(req, 'to'), parameter(req, 'sent')]
    const values = { to: usernameProblem(to) === undefined ? to : '', title: '', body: '', idempotencyKey: randomUUID() }
    const unsent = parameter(req, 'unsent') !== ''
    await showForm(context, res, { values, unsent, sent: unsent || usernameProblem(sent) !== undefined ? '' : sent })
  })
  routes.post(
    '/messages',
    readBodyBehind(requireSignedIn, context.users, LARGEST_FORM),
    (req: Request, res: Response) => send(context, req, res),
    showAgain(context),
  )
  return routes
}

async function send(context: AppContext, req: Request, res: Response): Promise<void> {
  const { to, title, body, idempotencyKey } = valuesOf(req)
  const author = me(res)
  const { id, username } = await recipient(context, { to, title, body })
  const draft = { to: { user: id }, title, body, category: MESSAGES, data: { from: author.username }, idempotencyKey }
  const { replayed, ...stored } = await context.notifications.notify({ ...draft, sender: senderOfUser(author.id) })
  if (!wantsJson(req)) return res.redirect(303, `/messages/new?sent=${encodeURIComponent(username)}`)
  res.status(replayed ? 200 : 201).json({ id: stored.id, to: username, title: stored.title, body: stored.body, createdAt: stored.createdAt })
}

/** To a person, with the form again where that helps. */
function showAgain(context: AppContext): ErrorRequestHandler {
  return async (error, req, res, _next) => {
    if (wantsJson(req)) throw error
    const { status, ...form } = unsentForm(context, res, valuesOf(req), error)
    await showForm(context, res, form, status)
  }
}

function valuesOf(req: Request): MessageValues {
  return textFields(req.body, ['to', 'title', 'body', 'idempotencyKey'])
}

/** Whom it goes to. Throws InvalidError with everything that is wrong, title and text included. */
async function recipient(
  { users }: AppContext,
  { to, title, body }: Omit<MessageValues, 'idempotencyKey'>,
): Promise<{ readonly id: string; readonly username: string }> {
  const name = to.trim()
  const find = await lookUp(users, [name])
  const problem = name === '' ? 'Write the username of somebody.' : disabledOrUnknown([name], find)
  const found = find(name)
  if (problem === undefined && found !== undefined) return found
  throw new InvalidError([{ field: 'to', message: problem ?? 'Write a username.' }, ...checkDraft({ to: 'everyone', title, body })])
}

interface Shown extends Omit<UnsentForm<MessageValues>, 'status'> {
  readonly sent?: string
  readonly unsent?: boolean
}

async function showForm(
  { page }: AppContext,
  res: Response,
  { values, errors = [], obstacle, opened, sent = '', unsent = false }: Shown,
  status = 200,
): Promise<void> {
  const title =
    errors.length > 0 ? 'Please check: write to somebody' : obstacle === undefined ? 'Write to somebody' : 'Not sent yet: write to somebody'
  await page(
    res,
    'messages-new',
    { ...words, values, errors, obstacle, opened, sent, unsent, title, current: 'write', head: composeScript() },
    status,
  )
}
