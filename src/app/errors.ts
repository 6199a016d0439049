import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { BelfryError, NotFoundError, problemOf, sendProblem, wantsJson } from '../notifications/index.js'
import { OtherPersonError, SignedOutError } from './auth.js'
import { formPage } from './form-pages.js'
import { composeScript } from './page-scripts.js'
import { page } from './view.js'

const UNANSWERED = 'a request could not be answered'

/** What no route answered. */
export const notFound: RequestHandler = () => {
  throw new NotFoundError('There is nothing at this address.')
}

/** Answers every error in two faces: problem+json for scripts, a plain page for people, who are sent to sign in where that helps. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return async (error: unknown, req, res, next) => {
    const problem = problemOf(error)
    if (problem.status >= 500) log.error({ err: error, id: req.id }, UNANSWERED)
    if (res.headersSent) return next(error)
    res.set('Cache-Control', 'private, no-cache').vary('Accept')
    if (wantsJson(req)) return sendProblem(res, error)
    if (error instanceof SignedOutError) return res.redirect(303, signInHref(req))
    setRetryAfter(res, error)
    const title = error instanceof OtherPersonError ? 'Somebody else is signed in' : problem.title
    await page(res, 'error', { title, problem, head: composeScript(), ...wayBack(req, problem.status) }, problem.status).catch((failed: unknown) => {
      log.error({ err: failed, id: req.id }, 'the error page could not be shown')
      res.status(problem.status).type('text').send(`${problem.title}. ${problem.detail}`)
    })
  }
}

/** To be called where a form is shown again instead: the operator is told why, too, and when trying again may help is said. */
export function tellOfTrouble(log: Logger, res: Response, error: unknown): void {
  setRetryAfter(res, error)
  if (problemOf(error).status >= 500) log.error({ err: error, id: res.req.id }, UNANSWERED)
}

/** Says when trying again may help, where the error knows. */
function setRetryAfter(res: Response, error: unknown): void {
  if (error instanceof BelfryError && error.retryAfter !== undefined) res.set('Retry-After', String(Math.ceil(error.retryAfter)))
}

/** What becomes of what was sent, and the page to send it from again. */
function wayBack(req: Request, status: number): { readonly advice: string; readonly form: string | undefined } {
  const advice = isVisit(req) ? undefined : ADVICE[status]
  return advice === undefined ? { advice: '', form: undefined } : { advice, form: formPage(req) }
}

const ADVICE: Readonly<Record<number, string>> = {
  409: 'Open its page anew to do it as who you are now.',
  413: 'Nothing was sent or saved: it is far longer than any field takes. Go back in your browser, where what you typed still stands, and shorten it.',
  503: 'Nothing was sent or saved. To try again in a moment, reload this page: your browser then sends the same once more.',
}

/** Where to sign in. Who visited a page comes back to it; who sent a form comes back to the form, and is told that it was not taken. */
function signInHref(req: Request): string {
  const next = isVisit(req) ? req.originalUrl : formPage(req)
  if (next === undefined) return '/login'
  return `/login?next=${encodeURIComponent(next)}${isVisit(req) ? '' : '&unsent=1'}`
}

function isVisit({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD'
}
