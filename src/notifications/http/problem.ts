import type { Request, Response } from 'express'
import { BelfryError, type FieldError } from '../errors.js'

/** An error as an answer tells it: RFC 9457, with our stable `code` and the fields at fault. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly FieldError[]
}

/** Nobody is signed in: a script gets 401, a person is sent to sign in where the host says so. */
export class SignedOutError extends BelfryError {
  constructor() {
    super('signed_out', 401, 'Sign in to see your notifications.')
  }
}

/** A body in a form that is not read here. */
export class WrongTypeError extends BelfryError {
  constructor() {
    super('wrong_type', 415, 'Send the fields as application/x-www-form-urlencoded or application/json.')
  }
}

export const TITLES: Readonly<Record<number, string>> = {
  400: 'Malformed',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict',
  413: 'Too large',
  415: 'Wrong type',
  422: 'Not acceptable as it is',
  426: 'Upgrade required',
  429: 'Too many requests',
  500: 'Something went wrong here',
  503: 'Not available right now',
}

/** What stands for the errors of Express and its parsers, which have no stable word of their own. */
const CODES: Readonly<Record<number, string>> = { 404: 'not_found', 413: 'too_large', 415: 'wrong_type', 500: 'unexpected' }

const DETAILS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read.',
  413: 'That is more than is accepted here.',
  415: 'The body is in a form that is not read here.',
  500: 'This is not your fault. It was written down; please try again.',
}

/** What an error tells the outside: our own in their words, those of body parsers by their status, and nothing of any other. */
export function problemOf(error: unknown): Problem {
  if (error instanceof BelfryError && error.status !== 500) return problem(error.status, error.code, error.message, error.errors)
  const status = clientStatus(error)
  return problem(status, CODES[status] ?? 'malformed', DETAILS[status] ?? 'The request cannot be answered.')
}

/** Answers a script. Sets `Retry-After` where trying again may help. */
export function sendProblem(res: Response, error: unknown): void {
  const answer = problemOf(error)
  retryAfter(res, error)
  res.status(answer.status).type('application/problem+json').send(JSON.stringify(answer))
}

export function retryAfter(res: Response, error: unknown): void {
  if (error instanceof BelfryError && error.retryAfter !== undefined) res.set('Retry-After', String(Math.ceil(error.retryAfter)))
}

/** Whether the asker is a script: it prefers JSON to a page. Anything, and nothing said, means a page. */
export function wantsJson(req: Request): boolean {
  const best = req.accepts(['html', 'json', 'application/problem+json'])
  return best !== false && best !== 'html'
}

function problem(status: number, code: string, detail: string, errors: readonly FieldError[] = []): Problem {
  const base = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, code, detail } as const
  return errors.length === 0 ? base : { ...base, errors }
}

/** Errors of Express and its parsers carry the status that the client earned; whatever else is thrown is ours to answer for. */
function clientStatus(error: unknown): number {
  if (!(error instanceof Error)) return 500
  const status: unknown = Reflect.get(error, 'status')
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}
