import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { UnavailableError } from '../notifications/index.js'
import { FairQueue } from './fair-queue.js'

const BLOCK_SIZE = 8
const PARALLELIZATION = 3
const KEY_BYTES = 32
const SALT_BYTES = 16
/** Each takes 32 MiB and a thread of the pool: more at once would be slower for all, file access included. */
const AT_ONCE = 2
/** Some six seconds of work; more are asked to come again rather than to wait. */
const MAX_WAITING = 64
/** Admins and operators, all together. */
const ADMINS = 'admins'
/** Somebody who is signed in, from wherever. */
export const askerOf = ({ id }: { readonly id: number }) => `user ${id}`

/** Hashes passwords with scrypt, a few at a time and off the event loop. */
export class Passwords {
  readonly #cost: number
  readonly #queue = new FairQueue({
    atOnce: AT_ONCE,
    waiting: MAX_WAITING,
    full: () => new UnavailableError('Too many people are signing in at this moment. Please try again.', { retryAfter: 5 }),
  })
  /** Looks like a hash and fits no password. */
  readonly #decoy: string

  /** @param cost scrypt's N for new hashes: a power of two; a hash tells the cost that it was made with */
  constructor(cost = 2 ** 15) {
    this.#cost = cost
    this.#decoy = encode(cost, randomBytes(SALT_BYTES), randomBytes(KEY_BYTES))
  }

  /**
   * Throws UnavailableError when too many are waiting; `verify` does, too.
   * @param asker as for `inTurn`; an admin unless told
   */
  hash(password: string, asker = ADMINS): Promise<string> {
    return this.inTurn(asker, () => this.#make(password))
  }

  /** Takes as long for `undefined`, somebody who doesn't exist, as for a wrong password. */
  verify(password: string, hash: string | undefined, asker = ADMINS): Promise<boolean> {
    return this.inTurn(asker, () => this.check(password, hash))
  }

  /** `verify` for those who already have their turn. */
  async check(password: string, hash: string | undefined): Promise<boolean> {
    const [, cost, salt, key] = (hash ?? this.#decoy).split('$')
    if (cost === undefined || salt === undefined || key === undefined) throw new Error('A password hash in the database cannot be read.')
    const expected = Buffer.from(key, 'base64url')
    const derived = await derive(password, Buffer.from(salt, 'base64url'), Number(cost))
    return timingSafeEqual(derived, expected) && hash !== undefined
  }

  /**
   * Waits until it is `work`'s turn. Throws UnavailableError when too many are waiting.
   * @param asker who wants it, in whatever words: they take turns, and who wants much makes room for who wants little
   */
  inTurn<T>(asker: string, work: () => Promise<T>): Promise<T> {
    return this.#queue.inTurn(asker, work)
  }

  async #make(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    return encode(this.#cost, salt, await derive(password, salt, this.#cost))
  }
}

function encode(cost: number, salt: Buffer, key: Buffer): string {
  return ['scrypt', cost, salt.toString('base64url'), key.toString('base64url')].join('$')
}

function derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
  const options: ScryptOptions = { N: cost, r: BLOCK_SIZE, p: PARALLELIZATION, maxmem: 256 * cost * BLOCK_SIZE }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
