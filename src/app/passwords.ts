import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { UnavailableError } from '../notifications/index.js'

const BLOCK_SIZE = 8
const PARALLELIZATION = 3
const KEY_BYTES = 32
const SALT_BYTES = 16
/** Each takes 32 MiB and a thread of the pool: more at once would be slower for all, file access included. */
const AT_ONCE = 2
/** Some six seconds of work; whoever comes later is asked to come again rather than to wait. */
const MAX_WAITING = 64

/** Hashes passwords with scrypt, a few at a time and off the event loop. */
export class Passwords {
  readonly #cost: number
  readonly #waiting: (() => void)[] = []
  #running = 0
  /** Looks like a hash and fits no password. */
  readonly #decoy: string

  /** @param cost scrypt's N for new hashes: a power of two; a hash tells the cost that it was made with */
  constructor(cost = 2 ** 15) {
    this.#cost = cost
    this.#decoy = encode(cost, randomBytes(SALT_BYTES), randomBytes(KEY_BYTES))
  }

  /** Throws UnavailableError when too many are waiting; `verify` does, too. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => this.#make(password))
  }

  /** Takes as long for `undefined`, somebody who doesn't exist, as for a wrong password. */
  verify(password: string, hash: string | undefined): Promise<boolean> {
    return this.inTurn(() => this.check(password, hash))
  }

  /** `verify` for those who already have their turn. */
  async check(password: string, hash: string | undefined): Promise<boolean> {
    const [, cost, salt, key] = (hash ?? this.#decoy).split('$')
    if (cost === undefined || salt === undefined || key === undefined) throw new Error('A password hash in the database cannot be read.')
    const expected = Buffer.from(key, 'base64url')
    const derived = await derive(password, Buffer.from(salt, 'base64url'), Number(cost))
    return timingSafeEqual(derived, expected) && hash !== undefined
  }

  /** Waits until it is `work`'s turn. Throws UnavailableError when too many are waiting. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running++
      return
    }
    if (this.#waiting.length >= MAX_WAITING)
      throw new UnavailableError('Too many people are signing in at this moment. Please try again.', { retryAfter: 5 })
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
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
