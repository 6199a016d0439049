import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { BelfryError } from '../errors.js'
import { signInHref } from './back.js'
import type { HttpContext } from './context.js'
import { errorPage, LayoutError } from './pages.js'
import { problemOf, retryAfter, SignedOutError, sendProblem, wantsJson } from './problem.js'

/** A route for scripts alone: it answers errors as problem+json whatever the asker would accept. */
export function asScript<P>(handler: RequestHandler<P>, context: HttpContext): RequestHandler<P> {
  return async (req, res, next) => {
    try {
      await handler(req, res, next)
    } catch (error) {
      note(error, context)
      if (res.headersSent) next(error)
      else sendProblem(res, error)
    }
  }
}

/**
 * Two faces of every error: problem+json for scripts, a page for people, who are sent to sign in where that helps. What
 * the host's own layout throws is left to the host.
 */
export function answerErrors(context: HttpContext): ErrorRequestHandler {
  return async (error: unknown, req, res, next) => {
    if (error instanceof LayoutError) return next(error.cause)
    note(error, context)
    if (res.headersSent) return next(error)
    res.set('Cache-Control', 'private, no-cache').vary('Accept')
    if (wantsJson(req)) return sendProblem(res, error)
    if (error instanceof SignedOutError && context.options.signInPath !== undefined) {
      return res.redirect(303, signInHref(req, context.options, context.options.signInPath))
    }
    await answerPage(error, context, req, res).catch((failed: unknown) => next(failed instanceof LayoutError ? failed.cause : failed))
  }
}

async function answerPage(error: unknown, context: HttpContext, req: Request, res: Response): Promise<void> {
  retryAfter(res, error)
  await errorPage(context, req, res, problemOf(error))
}

/** What nobody expected is written down; what is part of the trade is not. */
function note(error: unknown, { options }: HttpContext): void {
  if (problemOf(error).status === 500) options.logger.error({ err: error }, 'a request failed unexpectedly')
  else if (error instanceof BelfryError && error.status === 503) options.logger.warn({ err: error }, 'a request could not be answered')
}
