import type { Request, RequestHandler } from 'express'
import { BelfryError } from '../errors.js'
import type { Options } from '../options.js'
import type { HttpContext } from './context.js'
import { allowedOrigin } from './origin.js'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
const OWN_SITES = new Set(['same-origin', 'none'])

/** An unsafe request that another site may have caused; nothing was changed. */
class ForeignOriginError extends BelfryError {
  constructor() {
    super('foreign_origin', 403, 'This request came from another site, or does not say where it came from. Nothing was changed.')
  }
}

/**
 * The defence against cross-site requests, without tokens: an unsafe request must say `Sec-Fetch-Site: same-origin` or
 * `none`, or, where that header is absent, carry an `Origin` that is allowed. With both, `Sec-Fetch-Site` decides, but an
 * `Origin` outside a configured list is still refused. Everything else goes to `next` as a 403. Requests with a bearer
 * token are not exempt here: an API that takes no cookie is mounted before this.
 */
export function sameOrigin({ options, hints }: Pick<HttpContext, 'options' | 'hints'>): RequestHandler {
  return (req, _res, next) => {
    if (SAFE_METHODS.has(req.method) || isOwn(req, options)) return next()
    hints.formRefused(req)
    next(new ForeignOriginError())
  }
}

function isOwn(req: Request, options: Options): boolean {
  const site = req.headers['sec-fetch-site']
  if (site === undefined) return allowedOrigin(req, options)
  if (typeof site !== 'string' || !OWN_SITES.has(site)) return false
  return req.headers.origin === undefined || options.allowedOrigins === undefined || allowedOrigin(req, options)
}
