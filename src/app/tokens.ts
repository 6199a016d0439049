import { createHash, randomBytes } from 'node:crypto'
import { InvalidError } from '../notifications/index.js'
import type { AppDatabase } from './database.js'

/** A key for scripts, without its secret. Times in milliseconds since 1970. */
export interface Token {
  readonly id: number
  readonly name: string
  readonly createdAt: number
  /** Username of who made it; null where that was the command line. */
  readonly createdBy: string | null
  /** To the minute. */
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
}

/** A token that has just been made: the one time that its secret is known. */
export interface NewToken extends Token {
  readonly token: string
}

/** By what a token is known where it should not be, such as in a log or a repository. */
const PREFIX = 'belfry_'
const USE_IS_NOTED_EVERY = 60_000

const SELECT = `SELECT tokens.id, name, tokens.created_at AS createdAt, username AS createdBy, last_used_at AS lastUsedAt, revoked_at AS revokedAt
  FROM tokens LEFT JOIN users ON users.id = tokens.created_by`

/** The keys of scripts: kept hashed, shown once. */
export class Tokens {
  readonly #database: AppDatabase

  constructor(database: AppDatabase) {
    this.#database = database
  }

  /**
   * Makes one. Throws InvalidError with field `name` where the name cannot be one.
   * @param by id of the admin who makes it; null for the command line
   */
  async add(name: string, by: number | null): Promise<NewToken> {
    const trimmed = name.trim()
    if (trimmed === '') throw new InvalidError([{ field: 'name', message: 'A name is needed: say what the token is for.' }])
    if ([...trimmed].length > 100 || /\p{Cc}/u.test(trimmed))
      throw new InvalidError([{ field: 'name', message: 'A name has at most 100 characters, on one line.' }])
    // All random bits are the token's own, so one round of sha256 keeps it: there is nothing to guess as with a password.
    const token = PREFIX + randomBytes(32).toString('base64url')
    const sql = 'INSERT INTO tokens (name, token_hash, created_by, created_at) VALUES (?, ?, ?, ?)'
    const made = await this.#database.run(() => this.#database.prepare(sql).run(trimmed.toWellFormed(), hash(token), by, Date.now()))
    const kept = await this.byId(Number(made.lastInsertRowid))
    if (kept === undefined) throw new Error('A token that was just made is gone.')
    return { ...kept, token }
  }

  /** Newest first, revoked ones included. */
  list(): Promise<readonly Token[]> {
    return this.#database.run(() => this.#database.prepare<[], Token>(`${SELECT} ORDER BY tokens.id DESC`).all())
  }

  byId(id: number): Promise<Token | undefined> {
    return this.#database.run(() => this.#database.prepare<[number], Token>(`${SELECT} WHERE tokens.id = ?`).get(id))
  }

  /** The token as it is now, undefined where there is none of that id. Twice is fine. */
  async revoke(id: number): Promise<Token | undefined> {
    const sql = 'UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL'
    await this.#database.run(() => this.#database.prepare(sql).run(Date.now(), id))
    return this.byId(id)
  }

  /** Whose secret this is; undefined where it is nobody's, or revoked. */
  verify(secret: string): Promise<Token | undefined> {
    const sql = `${SELECT} WHERE token_hash = ? AND revoked_at IS NULL`
    return this.#database.run(() => this.#database.prepare<[string], Token>(sql).get(hash(secret)))
  }

  /** Notes that it was used, at most once a minute. */
  async used({ id, lastUsedAt }: Token): Promise<void> {
    const now = Date.now()
    if (lastUsedAt !== null && now - lastUsedAt < USE_IS_NOTED_EVERY) return
    await this.#database.run(() => this.#database.prepare('UPDATE tokens SET last_used_at = ? WHERE id = ?').run(now, id))
  }
}

function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
