import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Logger } from 'pino'
import { BelfryError, NotFoundError, problemOf, sendProblem, wantsJson } from '../notifications/index.js'
import { SignedOutError } from './auth.js'
import { page } from './view.js'

/** What no route answered. */
export const notFound: RequestHandler = () => {
  throw new NotFoundError('There is nothing at this address.')
}

/** Answers every error in two faces: problem+json for scripts, a plain page for people, who are sent to sign in where that helps. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return async (error: unknown, req, res, next) => {
    const problem = problemOf(error)
    if (problem.status >= 500) log.error({ err: error, id: req.id }, 'a request could not be answered')
    if (res.headersSent) return next(error)
    res.set('Cache-Control', 'private, no-cache').vary('Accept')
    if (wantsJson(req)) return sendProblem(res, error)
    if (error instanceof SignedOutError) return res.redirect(303, signInHref(req.method, req.originalUrl))
    if (error instanceof BelfryError && error.retryAfter !== undefined) res.set('Retry-After', String(Math.ceil(error.retryAfter)))
    await page(res, 'error', { title: problem.title, problem }, problem.status).catch((failed: unknown) => {
      log.error({ err: failed, id: req.id }, 'the error page could not be shown')
      res.status(problem.status).type('text').send(`${problem.title}. ${problem.detail}`)
    })
  }
}

function signInHref(method: string, url: string): string {
  return method === 'GET' || method === 'HEAD' ? `/login?next=${encodeURIComponent(url)}` : '/login'
}
