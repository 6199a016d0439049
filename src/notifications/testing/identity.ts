import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request } from 'express'
import type { Identity } from '../index.js'

const HEADER = 'x-belfry-test-identity'

/** What `testTab` sends, so that `fakeNotifications` knows who it is. */
export function identityHeader(identity: Identity): Record<string, string> {
  return { [HEADER]: encodeURIComponent(JSON.stringify(identity)) }
}

export function testIdentity(req: IncomingMessage): Identity | null {
  const header = req.headers[HEADER]
  return typeof header === 'string' ? (JSON.parse(decodeURIComponent(header)) as Identity) : null
}

/** A session that is there for as long as the connection: nothing is stored, nothing ends it but `disconnect`. */
export function standInSession(req: Request, next: NextFunction): void {
  const session = { cookie: { expires: null } }
  const sessionStore = {
    get: (_id: string, done: (error: unknown, found: unknown) => void) => done(null, session),
    createSession: (of: Request) => Object.assign(of, { session }),
    destroy: (_id: string, done?: (error?: unknown) => void) => done?.(),
  }
  Object.assign(req, { session, sessionID: randomUUID(), sessionStore })
  next()
}
