import express, { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express'
import { z } from 'zod'
import { BelfryError, checkDraft, type Draft, InvalidError, problemOf, type Recipients, sendProblem } from '../../notifications/index.js'
import { disabledOrUnknown, listed, lookUp } from '../addressees.js'
import type { AppContext } from '../context.js'
import { send } from '../send.js'
import { namesOf, present, senderOfToken } from '../sent.js'
import { type Token, Tokens } from '../tokens.js'
import { ROLES } from '../users.js'

/** Room for 5,000 usernames and every other field at its longest. */
const LARGEST_BODY = '512kb'

const NOTIFICATION_FIELDS = new Set(['to', 'title', 'body', 'url', 'level', 'category', 'data', 'publishAt', 'expiresAt', 'idempotencyKey'])

const shape = `Say whom it is for: { "user": "ada" }, { "users": ["ada", "bob"] }, { "topic": "role:member" } or "everyone".`
const TOPICS = ROLES.map((role) => `role:${role}`)
const recipients = z.union([
  z.literal('everyone'),
  z.strictObject({ user: z.string() }),
  z.strictObject({ users: z.array(z.string()).min(1) }),
  z.strictObject({ topic: z.string() }),
])

/**
 * `POST /api/notifications`, for scripts. Mounted before sessions: the bearer token says who sends, a cookie says nothing,
 * so the same-origin rule has nothing to protect. Every error is a problem, whatever the script accepts.
 */
export function apiRoutes(context: AppContext): Router {
  const routes = Router()
  const admitted = bearer(context)
  // Twice, for while the body comes the token may be revoked.
  routes.post('/api/notifications', admitted, onlyJson, express.json({ limit: LARGEST_BODY }), admitted, sendDraft(context))
  routes.use('/api', () => {
    throw new BelfryError('not_found', 404, 'There is only POST /api/notifications here.')
  })
  routes.use('/api', answerProblem(context))
  return routes
}

function bearer({ database, log }: AppContext): RequestHandler {
  const tokens = new Tokens(database)
  return async (req, res, next) => {
    const [, secret] = /^Bearer +([\w~+/.-]+=*) *$/i.exec(req.get('Authorization') ?? '') ?? []
    const token = secret === undefined ? undefined : await tokens.verify(secret)
    if (token === undefined) {
      res.set('WWW-Authenticate', secret === undefined ? 'Bearer realm="belfry"' : 'Bearer realm="belfry", error="invalid_token"')
      const detail = secret === undefined ? 'Send Authorization: Bearer with a token of an admin.' : 'This token is unknown or was revoked.'
      throw new BelfryError('unauthorized', 401, detail)
    }
    res.locals.token = token
    tokens.used(token).catch((error: unknown) => log.warn({ err: error, token: token.id }, 'the use of a token could not be noted'))
    next()
  }
}

const onlyJson: RequestHandler = (req, _res, next) => {
  if (req.is('application/json') === false) throw new BelfryError('wrong_type', 415, 'Send JSON, with Content-Type: application/json.')
  next()
}

function sendDraft(context: AppContext): RequestHandler {
  return async (req, res) => {
    const { users } = context
    const token: Token = res.locals.token
    const draft = await readDraft(req, { users })
    const { replayed, ...stored } = await send(context, { ...draft, sender: senderOfToken(token.id) })
    res.status(replayed ? 200 : 201)
    res.location(`/admin/notifications/${stored.id}`).json(present(stored, await namesOf(users, [stored])))
  }
}

async function readDraft({ body }: Request, { users }: Pick<AppContext, 'users'>): Promise<Draft> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new InvalidError([{ field: 'to', message: 'Send an object with to and title.' }])
  const unknown = Object.keys(body).find((field) => !NOTIFICATION_FIELDS.has(field))
  if (unknown !== undefined) throw new InvalidError([{ field: unknown, message: `There is no field ${unknown}.` }])
  const to = await readRecipients(body.to, users)
  if (typeof to !== 'object' || !('problem' in to)) return { ...body, to }
  throw new InvalidError([{ field: 'to', message: to.problem }, ...checkDraft({ ...body, to: 'everyone' })])
}

async function readRecipients(value: unknown, users: AppContext['users']): Promise<Recipients | { readonly problem: string }> {
  const to = recipients.safeParse(value).data
  if (to === undefined) return { problem: shape }
  if (to === 'everyone') return to
  if ('topic' in to) return TOPICS.includes(to.topic) ? to : { problem: `There is no topic ${to.topic}: there are ${listed(TOPICS, 'and')}.` }
  const names = 'user' in to ? [to.user] : to.users
  const find = await lookUp(users, names)
  const problem = disabledOrUnknown(names, find)
  if (problem !== undefined) return { problem }
  const ids = names.flatMap((name) => find(name)?.id ?? [])
  return 'user' in to && ids[0] !== undefined ? { user: ids[0] } : { users: ids }
}

function answerProblem({ log }: AppContext): ErrorRequestHandler {
  return (error, req, res, next) => {
    if (problemOf(error).status >= 500) log.error({ err: error, id: req.id }, 'a request of a script could not be answered')
    if (res.headersSent) return next(error)
    sendProblem(res, error)
  }
}
