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

  /** Throws a 429 that says when to come again, where too much has failed. */
  async check(username: string, address: string): Promise<void> {
    const one = await this.#ofOne.get(pair(username, address))
    const all = await this.#ofAddress.get(ipKeyGenerator(address))
    const wait = Math.max(secondsToWait(one, FAILURES_OF_ONE), secondsToWait(all, FAILURES_OF_ADDRESS))
    if (wait === 0) return
    throw new BelfryError('too_many_sign_ins', 429, 'Too many sign-ins failed. Wait a quarter of an hour, then try again.', { retryAfter: wait })
  }

  async failed(username: string, address: string): Promise<void> {
    await this.#ofOne.increment(pair(username, address))
    await this.#ofAddress.increment(ipKeyGenerator(address))
  }

  close(): void {
    this.#ofOne.shutdown()
    this.#ofAddress.shutdown()
  }
}

/** The store keeps those whose window is over until it cleans up: they count no more. */
function secondsToWait(count: ClientRateLimitInfo | undefined, limit: number): number {
  const left = (count?.resetTime?.getTime() ?? 0) - Date.now()
  return count !== undefined && count.totalHits >= limit && left > 0 ? Math.ceil(left / 1000) : 0
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
