import type { Request } from 'express'
import type { Options } from '../options.js'

/**
 * The page of this site that a form was on, by its Referer; the inbox where that is unknown, foreign, or could be read as
 * another host. `except`: a page that must not be visited again, for it would undo what was just done.
 */
export function backFrom(req: Request, { basePath, allowedOrigins }: Options, except?: string): string {
  const referer = req.get('Referer')
  if (referer === undefined || !URL.canParse(referer)) return basePath
  const from = new URL(referer)
  const own = from.host === req.get('Host') || from.host === req.host || allowedOrigins?.includes(from.origin) === true
  const web = from.protocol === 'http:' || from.protocol === 'https:'
  return own && web && isOwnPath(from.pathname) && from.pathname !== except ? from.pathname + from.search : basePath
}

/** Where to sign in so that one comes back here afterwards. Built from our own path: a request may name any host as its target. */
export function signInHref(req: Request, options: Options, signInPath: string): string {
  const visited = req.method === 'GET' || req.method === 'HEAD'
  return `${signInPath}?next=${encodeURIComponent(visited ? options.basePath + pathBelow(req) : backFrom(req, options))}`
}

function pathBelow({ path, originalUrl }: Request): string {
  const query = originalUrl.indexOf('?')
  return (path === '/' ? '' : path) + (query < 0 ? '' : originalUrl.slice(query))
}

function isOwnPath(path: string): boolean {
  return path.startsWith('/') && !/^\/[/\\]/.test(path)
}
