import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Request, RequestHandler, Response } from 'express'
import type { Options } from '../options.js'
import { asExpressRequest } from './origin.js'

/** The response is there because the middleware wants one. It is never ended, so the session is neither saved nor extended. */
export function loadSession(req: Request, session: RequestHandler): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown) => (error ? reject(error) : resolve())
    const res = new ServerResponse(req) as Response
    Promise.resolve(session(req, res, next) as unknown).catch(reject)
  })
}

/**
 * Why a request has no session at all. express-session says nothing when it passes a request over, because its store is out or because the path is
 * none of its cookie's; so a new visitor is sent through it, to the same path and to one that is known to be served.
 */
export async function whyNoSession({ originalUrl }: Request, options: Options): Promise<'not mounted' | 'elsewhere' | 'out'> {
  if (await givesSession(options, originalUrl)) return 'not mounted'
  return (await givesSession(options, options.basePath)) ? 'elsewhere' : 'out'
}

async function givesSession(options: Options, url: string): Promise<boolean> {
  const req = asExpressRequest(Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url }), options)
  await loadSession(req, options.session)
  return req.session !== undefined
}
