import type { RequestHandler } from 'express'
import type { HttpContext } from './context.js'

/** The frames of the socket as server-sent events, for where sockets cannot go. */
export function createStream(_context: HttpContext): RequestHandler {
  return (_req, res) => void res.sendStatus(503)
}
