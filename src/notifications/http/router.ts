import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { BelfryError, UnavailableError } from '../errors.js'
import type { State } from '../protocol.js'
import type { Service } from '../service.js'
import { serveAsset } from './assets.js'
import { backFrom } from './back.js'
import type { HttpContext } from './context.js'
import { answerErrors, asScript } from './failures.js'
import { inboxPage, itemPage, preferencesPage } from './pages.js'
import { pollAnswer } from './polled.js'
import { SignedOutError, WrongTypeError, wantsJson } from './problem.js'
import { bodyField, parseListQuery } from './query.js'
import { sameOrigin } from './same-origin.js'
import { hasStoredSession, leaveSessionAlone, sessionKey } from './stored-session.js'
import { createStream } from './stream.js'
import { markIn } from './user-marks.js'
import { isStillThere, reader, signedIn } from './visit.js'

type Mark = Parameters<Service['mark']>[2]

const MARKS: readonly Mark[] = ['read', 'unread', 'archive', 'unarchive']
const MAX_BODY = '16kb'

/** The inbox and its JSON, the event stream and the assets; to be mounted at `basePath` in any Express 5 app. */
export function createRouter(context: HttpContext): Router {
  const router = express.Router()
  router.use((req, _res, next) => {
    context.hints.routed(req)
    next()
  })
  router.get('/assets/:name', asScript(serveAsset, context))
  router.get('/unread', asScript(unread(context), context))
  router.get('/stream', createStream(context))
  router.get('/socket', asScript(upgradeRequired(context), context))

  router.use(sameOrigin(context))
  router.get('/', inbox(context))
  router.get('/preferences', preferences(context))
  router.get('/:id', item(context))
  const parsers = [express.urlencoded({ extended: false, limit: MAX_BODY }), express.json({ limit: MAX_BODY }), refuseOtherBodies]
  const body = [somebody(context), ...parsers, stillThere(context)]
  router.post('/read-all', body, readAll(context))
  for (const mark of MARKS) router.post(`/:id/${mark}`, body, markOne(context, mark))
  router.use(answerErrors(context))
  return router
}

/** The polling fallback. It goes on by itself for as long as a page is open, so it is no reason for a session to last longer. */
function unread(context: HttpContext): RequestHandler {
  return async (req, res) => {
    const visit = await signedIn(context, req, res)
    context.cookies.learn(req)
    const { etag, body } = pollAnswer(visit, req.get('If-None-Match'))
    await context.departure.next()
    leaveSessionAlone(req)
    res.set('ETag', etag)
    if (body === undefined) res.status(304).end()
    else res.type('json').send(body)
  }
}

function upgradeRequired({ hints, hub }: HttpContext): RequestHandler {
  return (req, res) => {
    if (hub.closing) throw new UnavailableError('Notifications have been closed.')
    hints.notUpgraded(req)
    res.set({ Upgrade: 'websocket', Connection: 'Upgrade', 'Cache-Control': 'private, no-cache' })
    throw new BelfryError('upgrade_required', 426, 'This address speaks WebSocket only.')
  }
}

function inbox(context: HttpContext): RequestHandler {
  return async (req, res) => {
    const visit = await reader(context, req, res)
    const query = parseListQuery(req)
    const page = await context.service.list(visit.person.id, query)
    if (isOfPage(req)) leaveSessionAlone(req)
    if (wantsJson(req)) res.json(page)
    else await inboxPage(context, req, res, visit, query, page)
  }
}

/** What is chosen there is kept by the browser, so there is nothing to post. */
function preferences(context: HttpContext): RequestHandler {
  return async (req, res) => {
    await preferencesPage(context, req, res, await signedIn(context, req, res))
  }
}

/** A visit marks as read: not HEAD, and not a browser that only fetches ahead. */
function item(context: HttpContext): RequestHandler<{ id: string }> {
  return async (req, res) => {
    const visit = await reader(context, req, res)
    const { person } = visit
    const { service } = context
    const { id } = req.params
    let shown = await service.get(person.id, id)
    let { state } = visit
    if (shown.state === 'unread' && isVisit(req)) {
      state = (await markIfPossible(context, person.id, id)) ?? state
      shown = await service.get(person.id, id)
    }
    if (req.method === 'HEAD' && isOfPage(req)) leaveSessionAlone(req)
    if (wantsJson(req)) res.json(shown)
    else await itemPage(context, req, res, { ...visit, state }, shown)
  }
}

/** While nothing can be written, one can still read: then it stays unread. */
async function markIfPossible({ service, options }: HttpContext, user: string, id: string): Promise<State | undefined> {
  try {
    return await service.mark(user, id, 'read')
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    options.logger.warn({ err: error }, 'what somebody opened could not be marked as read')
    return undefined
  }
}

function markOne(context: HttpContext, mark: Mark): RequestHandler<{ id: string }> {
  return async (req, res) => {
    const { person } = await signedIn(context, req, res)
    const state = await context.service.mark(person.id, req.params.id, mark)
    // To go back to the page of what was just marked as unread would read it again.
    answer(req, res, context, state, mark === 'unread' ? `${context.options.basePath}/${encodeURIComponent(req.params.id)}` : undefined)
  }
}

function readAll(context: HttpContext): RequestHandler {
  return async (req, res) => {
    const { person } = await signedIn(context, req, res)
    answer(req, res, context, await context.service.markAllAsRead(person.id, bodyField(req, 'upTo')))
  }
}

function answer(req: Request, res: Response, { options }: HttpContext, state: State, except?: string): void {
  if (wantsJson(req)) res.json(state)
  else res.redirect(303, backFrom(req, options, except))
}

/** Asked by the script of a page, which reads anew after every change for as long as it is open. */
function isOfPage(req: Request): boolean {
  return wantsJson(req) && markIn(req) !== null
}

/** Where browsers, and Turbo, say that they fetch ahead; htmx 2 does so by a header of its own. */
const PURPOSES = ['Sec-Purpose', 'Purpose', 'X-Moz', 'X-Sec-Purpose']

function isVisit(req: Request): boolean {
  const purposes = PURPOSES.map((header) => req.get(header))
  return req.method === 'GET' && !req.get('HX-Preloaded') && !/prefetch|prerender|preview/i.test(purposes.join(' '))
}

/** No body is read of whoever is signed out. */
function somebody(context: HttpContext): RequestHandler {
  return async (req, res, next) => {
    await signedIn(context, req, res)
    next()
  }
}

/** A body may take its time, and meanwhile the session may have ended. */
function stillThere(context: HttpContext): RequestHandler {
  return async (req, res, next) => {
    const visit = await signedIn(context, req, res)
    const session = hasStoredSession(req) ? sessionKey(req.sessionID) : ''
    const ended = context.hub.endedSince({ user: visit.person.id, session }, visit.since)
    if (ended ?? !(await isStillThere(context, req, visit))) throw new SignedOutError()
    next()
  }
}

/** A body that neither we nor the host's own parsers have read. */
const refuseOtherBodies: RequestHandler = (req, _res, next) => {
  const sent = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  next(sent && req.body === undefined ? new WrongTypeError() : undefined)
}
