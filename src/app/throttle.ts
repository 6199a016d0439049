import { createHash } from 'node:crypto'
import { ipKeyGenerator } from 'express-rate-limit'
import { BelfryError } from '../notifications/index.js'

/** In milliseconds. */
const WINDOW = 15 * 60_000
const FAILURES_OF_ONE = 10
const FAILURES_OF_ADDRESS = 100
/** How many keys a limit holds at most: the oldest are forgotten for new ones. Two passwords are checked at a time, so nobody comes near it. */
const MOST_KEYS = 100_000

/** Who counts as one: an address, and of IPv6 a whole network. Some proxies (Azure's, IIS) tell it with its port, which is another for each connection. */
export function networkOf(address: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(address) ?? []
  return ipKeyGenerator(v6 ?? v4 ?? address)
}

/** Counts failed sign-ins, and nothing else: 10 in 15 minutes for one username and address, 100 for one address. */
export class SignInThrottle {
  readonly #ofOne = new FailureLimit(FAILURES_OF_ONE, tooManySignIns)
  readonly #ofAddress = new FailureLimit(FAILURES_OF_ADDRESS, tooManySignIns)

  /** As `FailureLimit` does. */
  attempt<T>(username: string, address: string, signIn: () => Promise<T | undefined>): Promise<T | undefined> {
    const network = networkOf(address)
    return this.#ofAddress.attempt(network, () => this.#ofOne.attempt(keyOf(username.toLowerCase(), network), signIn))
  }
}

/** Whoever has found a session open still has to guess: 10 wrong passwords in 15 minutes for each session, so that nobody keeps others from changing theirs. */
export class PasswordThrottle {
  readonly #ofSession = new FailureLimit(FAILURES_OF_ONE, tooManyPasswords)

  /** As `FailureLimit` does. */
  attempt<T>(sessionId: string, verify: () => Promise<T | undefined>): Promise<T | undefined> {
    return this.#ofSession.attempt(keyOf(sessionId), verify)
  }
}

interface Count {
  taken: number
  /** By Date.now(). */
  readonly until: number
}

/** So many failures for each key in the time that begins with the first. */
class FailureLimit {
  readonly #limit: number
  readonly #tooMany: (retryAfter: number) => BelfryError
  /** Those that began first come first, so they also end first. */
  readonly #counts = new Map<string, Count>()
  /** None ends before that, by Date.now(). */
  #endsFrom = 0

  constructor(limit: number, tooMany: (retryAfter: number) => BelfryError) {
    this.#limit = limit
    this.#tooMany = tooMany
  }

  /**
   * Gives what `act` gives; undefined is a failure, which counts from before it begins: of many who try at once nobody slips past the limit.
   * Throws a 429 that says when to come again, where too much has failed; such an attempt, and one that throws, is remembered nowhere.
   */
  async attempt<T>(key: string, act: () => Promise<T | undefined>): Promise<T | undefined> {
    const giveBack = this.#take(key)
    let failed = false
    try {
      const result = await act()
      failed = result === undefined
      return result
    } finally {
      if (!failed) giveBack()
    }
  }

  #take(key: string): () => void {
    const now = Date.now()
    const known = this.#counts.get(key)
    const count = known !== undefined && known.until > now ? known : this.#begin(key, now)
    if (count.taken >= this.#limit) throw this.#tooMany(Math.ceil((count.until - now) / 1000))
    count.taken++
    return () => {
      count.taken--
      if (count.taken === 0 && this.#counts.get(key) === count) this.#counts.delete(key)
    }
  }

  #begin(key: string, now: number): Count {
    this.#counts.delete(key)
    if (now >= this.#endsFrom || this.#counts.size >= MOST_KEYS) this.#forget(now)
    const count = { taken: 0, until: now + WINDOW }
    this.#counts.set(key, count)
    return count
  }

  /** What has ended; and of too many a tenth at once, as whoever looks for the oldest in a Map walks over the holes of all that were taken out before. */
  #forget(now: number): void {
    const most = this.#counts.size < MOST_KEYS ? MOST_KEYS : MOST_KEYS * 0.9
    this.#endsFrom = now + WINDOW
    for (const [oldest, { until }] of this.#counts) {
      if (until > now && this.#counts.size <= most) {
        this.#endsFrom = until
        break
      }
      this.#counts.delete(oldest)
    }
  }
}

function tooManySignIns(retryAfter: number): BelfryError {
  return new BelfryError('too_many_sign_ins', 429, 'Too many sign-ins failed. Wait a quarter of an hour, then try again.', { retryAfter })
}

function tooManyPasswords(retryAfter: number): BelfryError {
  return new BelfryError('too_many_passwords', 429, 'Too many wrong passwords. Wait a quarter of an hour, then try again.', { retryAfter })
}

/** Hashed, for a username may be of any length, and the id of a session is a secret. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
