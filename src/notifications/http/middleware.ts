import type { RequestHandler } from 'express'
import { present } from './bell.js'
import type { HttpContext } from './context.js'
import { visitOf } from './visit.js'

/**
 * Sets `res.locals.notifications` = `{ unread, epoch, version, head(), bell(), list() }`, so that the first paint of any page of
 * the host has the right count. While the store or the sessions are out, an UnavailableError goes to `next`; after `close()` pages go on, as if nobody
 * were there.
 */
export function createMiddleware(context: HttpContext): RequestHandler {
  return async (req, res, next) => {
    const visit = await visitOf(context, req).catch((error: unknown) => {
      // The page that says what went wrong has a head and a bell, too.
      present(res, context, null)
      if (!context.hub.closing) throw error
      return null
    })
    present(res, context, visit)
    next()
  }
}
