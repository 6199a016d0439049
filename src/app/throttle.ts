import { createHash } from 'node:crypto'
import { ipKeyGenerator } from 'express-rate-limit'
import { BelfryError } from '../notifications/index.js'

/** In milliseconds. */
const WINDOW = 15 * 60_000
const FAILURES_OF_ONE = 10
const FAILURES_OF_ADDRESS = 100
/** How many keys a counter holds at most: the oldest are forgotten for new ones. Two passwords are checked at a time, so nobody comes near it. */
const MOST_KEYS = 100_000

/** Counts failed sign-ins, and nothing else: 10 in 15 minutes for one username and address, 100 for one address. */
export class SignInThrottle {
  readonly #ofOne = new Counter(FAILURES_OF_ONE)
  readonly #ofAddress = new Counter(FAILURES_OF_ADDRESS)

  /**
   * Gives what `signIn` gives; undefined is a failure, which counts from before it begins: of many who try at once nobody slips past the limit.
   * Throws a 429 that says when to come again, where too much has failed; such an attempt is remembered nowhere.
   */
  async attempt<T>(username: string, address: string, signIn: () => Promise<T | undefined>): Promise<T | undefined> {
    const network = ipKeyGenerator(address)
    const giveBackOfAddress = this.#ofAddress.take(network)
    let giveBackOfOne: (() => void) | undefined
    let failed = false
    try {
      giveBackOfOne = this.#ofOne.take(pair(username, network))
      const user = await signIn()
      failed = user === undefined
      return user
    } finally {
      if (!failed) {
        giveBackOfAddress()
        giveBackOfOne?.()
      }
    }
  }
}

interface Count {
  taken: number
  /** By Date.now(). */
  readonly until: number
}

/** So many for each key in the time that begins with the first. */
class Counter {
  readonly #limit: number
  /** Those that began first come first, so they also end first. */
  readonly #counts = new Map<string, Count>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes one; the function gives it back. Throws where all are taken. */
  take(key: string): () => void {
    const now = Date.now()
    const known = this.#counts.get(key)
    const count = known !== undefined && known.until > now ? known : this.#begin(key, now)
    if (count.taken >= this.#limit) throw tooMany(Math.ceil((count.until - now) / 1000))
    count.taken++
    return () => {
      count.taken--
      if (count.taken === 0 && this.#counts.get(key) === count) this.#counts.delete(key)
    }
  }

  #begin(key: string, now: number): Count {
    this.#counts.delete(key)
    for (const [oldest, { until }] of this.#counts) {
      if (until > now && this.#counts.size < MOST_KEYS) break
      this.#counts.delete(oldest)
    }
    const count = { taken: 0, until: now + WINDOW }
    this.#counts.set(key, count)
    return count
  }
}

function tooMany(retryAfter: number): BelfryError {
  return new BelfryError('too_many_sign_ins', 429, 'Too many sign-ins failed. Wait a quarter of an hour, then try again.', { retryAfter })
}

/** Hashed, for a username may be of any length. */
function pair(username: string, network: string): string {
  return createHash('sha256')
    .update(JSON.stringify([username.toLowerCase(), network]))
    .digest('base64url')
}
