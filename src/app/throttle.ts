import { createHash } from 'node:crypto'
import { type ClientRateLimitInfo, ipKeyGenerator, MemoryStore } from 'express-rate-limit'
import { BelfryError } from '../notifications/index.js'

const WINDOW = 15 * 60_000
const FAILURES_OF_ONE = 10
const FAILURES_OF_ADDRESS = 100

/** Counts failed sign-ins, and nothing else: 10 in 15 minutes for one username and address, 100 for one address. */
export class SignInThrottle {
  readonly #ofOne = counter()
  readonly #ofAddress = counter()

  /**
   * Gives what `signIn` gives; undefined is a failure, which counts from before it begins: of many who try at once nobody slips past the limit.
   * Throws a 429 that says when to come again, where too much has failed.
   */
  async attempt<T>(username: string, address: string, signIn: () => Promise<T | undefined>): Promise<T | undefined> {
    const [one, all] = [pair(username, address), ipKeyGenerator(address)]
    let failed = false
    try {
      const wait = Math.max(
        secondsToWait(await this.#ofOne.increment(one), FAILURES_OF_ONE),
        secondsToWait(await this.#ofAddress.increment(all), FAILURES_OF_ADDRESS),
      )
      if (wait > 0) throw tooMany(wait)
      const user = await signIn()
      failed = user === undefined
      return user
    } finally {
      if (!failed) await Promise.all([this.#ofOne.decrement(one), this.#ofAddress.decrement(all)])
    }
  }

  close(): void {
    this.#ofOne.shutdown()
    this.#ofAddress.shutdown()
  }
}

function tooMany(retryAfter: number): BelfryError {
  return new BelfryError('too_many_sign_ins', 429, 'Too many sign-ins failed. Wait a quarter of an hour, then try again.', { retryAfter })
}

function secondsToWait({ totalHits, resetTime }: ClientRateLimitInfo, limit: number): number {
  return totalHits > limit ? Math.max(1, Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1000)) : 0
}

function counter(): MemoryStore {
  const store = new MemoryStore()
  store.init({ windowMs: WINDOW } as Parameters<MemoryStore['init']>[0])
  return store
}

/** Hashed, for a username may be of any length. */
function pair(username: string, address: string): string {
  return createHash('sha256')
    .update(JSON.stringify([username.toLowerCase(), ipKeyGenerator(address)]))
    .digest('base64url')
}
