import { hash } from 'node:crypto'
import type { Request } from 'express'
import type { SessionData, Store } from 'express-session'
import { OptionError } from '../errors.js'

/** Where a session stands. */
export interface StoredSession {
  readonly id: string
  readonly store: Store
}

/** How long a store may take for a session, in milliseconds. */
export const STORE_WITHIN = 3000

const NEVER_SAVED =
  'identify knows somebody whose session was never saved, by a token, say: a live connection ends with its session, and of one that stands in no store ' +
  'nobody can tell when that is. Without live connections, clients poll; put into the session who it is, and they need not.'

/** What stands for a session id, which is a secret, wherever it is only to be recognised. */
export function sessionKey(id: string): string {
  return hash('sha256', id, 'base64url')
}

/** Whether a request has a session of express-session's. That of others (cookie-session, a token) stands in no store, so nobody can tell when it ends. */
export function hasStoredSession({ session, sessionID, sessionStore }: Partial<Pick<Request, 'session' | 'sessionID' | 'sessionStore'>>): boolean {
  return session?.cookie !== undefined && sessionID !== undefined && sessionStore !== undefined
}

/**
 * Whether a Cookie header names a session. If it does not, the session was not found by it: the host may have made it in this very request, for somebody
 * whom it knows by something else. A short id (express-session's own have 32 characters) could stand in a header by chance.
 */
export function names(cookie: string | undefined, id: string): boolean {
  return id.length >= 16 && cookie?.includes(encodeURIComponent(`s:${id}.`)) === true
}

/** Throws an OptionError where somebody is known by something else, and their session was never saved: it stands in no store that could tell of its end. */
export async function ensureSaved(req: Request): Promise<void> {
  if (!hasStoredSession(req) || names(req.headers.cookie, req.sessionID)) return
  if ((await lookUp({ id: req.sessionID, store: req.sessionStore })) === 'gone') throw new OptionError(NEVER_SAVED)
}

/** Without an id express-session sets no cookie when the headers leave, and neither saves, extends nor destroys anything at the end. */
export function leaveSessionAlone(req: Request): void {
  Reflect.set(req, 'sessionID', undefined)
}

/**
 * Some stores tell of an absent session by nothing, others by an error with code ENOENT, as express-session lets them. A record without a cookie is
 * none that it could take up.
 */
export function lookUp({ id, store }: StoredSession): Promise<SessionData | 'gone' | 'unknown'> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve('unknown'), STORE_WITHIN)
    const heard = (error: unknown, session?: SessionData | null) => {
      clearTimeout(late)
      const absent = error ? typeof error === 'object' && Reflect.get(error, 'code') === 'ENOENT' : !session?.cookie
      resolve(absent ? 'gone' : error || !session ? 'unknown' : session)
    }
    readSession({ id, store }, heard)
  })
}

/** Asks the store for a session. `heard` may be called more than once: some stores also return a promise, which rejects with what it was told already. */
export function readSession({ id, store }: StoredSession, heard: (error: unknown, session?: SessionData | null) => void): void {
  try {
    const returned: unknown = store.get(id, heard)
    if (returned instanceof Promise) returned.catch(heard)
  } catch (error) {
    heard(error)
  }
}
