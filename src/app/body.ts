import express, { type Request, type RequestHandler, Router } from 'express'
import { BelfryError, MalformedError } from '../notifications/index.js'
import { malformedField } from './fields.js'

/** Room for 5,000 usernames and every other field at its longest, as a form writes them. */
export const LARGEST_FORM = '512kb'

/** Reads the fields of a form or a JSON object into `req.body`; to 32 kB unless told. A field that comes twice is malformed. */
export function readBody(limit = '32kb'): RequestHandler {
  return Router().use(express.urlencoded({ extended: false, limit }), express.json({ limit }), checkBody)
}

const checkBody: RequestHandler = (req, _res, next) => {
  if (hasBody(req) && req.is(['urlencoded', 'json']) === false) throw new WrongTypeError()
  const body: unknown = req.body
  if (req.is('json') && (typeof body !== 'object' || body === null || Array.isArray(body)))
    throw new MalformedError('The body must be a JSON object.')
  const twice = req.is('urlencoded') ? Object.entries(body ?? {}).find(([, value]) => typeof value !== 'string') : undefined
  if (twice !== undefined) throw malformedField(twice[0], `${twice[0]} comes more than once.`)
  next()
}

class WrongTypeError extends BelfryError {
  constructor() {
    super('wrong_type', 415, 'Send the fields as application/x-www-form-urlencoded or application/json.')
  }
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}
