import { createHmac, randomUUID } from 'node:crypto'
import type { Store } from 'express-session'

/** Somebody's signed-in session, as the host's own sign-in would leave it. */
export interface TestSession {
  /** The same store that the app gives to express-session. */
  readonly store: Pick<Store, 'set'>
  /** The same secret. */
  readonly secret: string
  /** What the sign-in puts into `req.session`, such as `{ userId: 7 }` or, with passport, `{ passport: { user: 7 } }`. */
  readonly data: Readonly<Record<string, unknown>>
  /** The name of the cookie, where the app chose one. */
  readonly name?: string
}

/**
 * Stores a session and resolves to the value of a `Cookie` header that is signed in by it, for `testTab` and for requests.
 * @example const cookie = await sessionCookie({ store, secret, data: { userId: 7 } })
 */
export async function sessionCookie({ store, secret, data, name = 'connect.sid' }: TestSession): Promise<string> {
  const id = randomUUID()
  const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }
  await new Promise<void>((resolve, reject) => {
    store.set(id, { ...data, cookie } as Parameters<Store['set']>[1], (error?: unknown) => (error ? reject(error) : resolve()))
  })
  const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
  return `${name}=${encodeURIComponent(`s:${id}.${signature}`)}`
}
