import { type FieldError, InvalidError } from '../notifications/index.js'
import type { AppDatabase } from './database.js'

export const ROLES = ['member', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Somebody who can sign in. Times in milliseconds since 1970. */
export interface User {
  readonly id: number
  readonly username: string
  readonly role: Role
  readonly roleSince: number
  readonly createdAt: number
  readonly disabledAt: number | null
  /** Rises with every new password and when disabled; sessions of an older one are over. */
  readonly generation: number
}

export interface NewUser {
  readonly username: string
  readonly passwordHash: string
  readonly role: Role
}

export interface UserQuery {
  /** Only usernames that contain this, in any case. */
  readonly search?: string | undefined
  /** Only those after this username; the order is theirs. */
  readonly after?: string | undefined
  readonly limit: number
}

const COLUMNS = `id, username, role, role_since AS roleSince, created_at AS createdAt, disabled_at AS disabledAt, generation`

/** The rows of `users`. What else must happen when somebody changes (sessions, sockets) is in `Accounts`. */
export class Users {
  readonly #database: AppDatabase

  constructor(database: AppDatabase) {
    this.#database = database
  }

  byId(id: number): Promise<User | undefined> {
    return this.#one(`SELECT ${COLUMNS} FROM users WHERE id = ?`, id)
  }

  /** In any case: `Ada` and `ada` are the same. */
  byName(username: string): Promise<User | undefined> {
    return this.#one(`SELECT ${COLUMNS} FROM users WHERE username = ?`, username)
  }

  /** By lower-case username; those who don't exist are absent. */
  async byNames(usernames: readonly string[]): Promise<ReadonlyMap<string, User>> {
    const users = await this.#all(`SELECT ${COLUMNS} FROM users WHERE username IN (SELECT value FROM json_each(?))`, JSON.stringify(usernames))
    return new Map(users.map((user) => [user.username.toLowerCase(), user]))
  }

  async byIds(ids: readonly number[]): Promise<ReadonlyMap<number, User>> {
    const users = await this.#all(`SELECT ${COLUMNS} FROM users WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids))
    return new Map(users.map((user) => [user.id, user]))
  }

  /** Of these people the first `most` in the order of usernames. */
  firstByName(ids: readonly number[], most: number): Promise<readonly User[]> {
    const sql = `SELECT ${COLUMNS} FROM users WHERE id IN (SELECT value FROM json_each(?)) ORDER BY username LIMIT ?`
    return this.#all(sql, JSON.stringify(ids), most)
  }

  /** In the order of usernames. */
  list({ search = '', after = '', limit }: UserQuery): Promise<readonly User[]> {
    const sql = `SELECT ${COLUMNS} FROM users WHERE username > ? AND instr(lower(username), lower(?)) > 0 ORDER BY username LIMIT ?`
    return this.#all(sql, after, search, limit)
  }

  /** How many can sign in, by role. */
  async counts(): Promise<Readonly<Record<Role, number>>> {
    const sql = `SELECT count(*) FILTER (WHERE role = 'member') AS member, count(*) FILTER (WHERE role = 'admin') AS admin FROM users WHERE disabled_at IS NULL`
    const row = await this.#database.run(() => this.#database.prepare<[], Record<Role, number>>(sql).get())
    return row ?? { member: 0, admin: 0 }
  }

  /** How many of those who can sign in have what was sent to everyone, or to one role, at that time. */
  async reached({ since, role }: { readonly since: Date; readonly role?: string }): Promise<number> {
    const sql = `SELECT count(*) AS n FROM users WHERE disabled_at IS NULL AND created_at <= @since AND (@role IS NULL OR (role = @role AND role_since <= @since))`
    const row = await this.#database.run(() =>
      this.#database.prepare<[object], { n: number }>(sql).get({ since: since.getTime(), role: role ?? null }),
    )
    return row?.n ?? 0
  }

  /** Ids, as the plugin has them, of those who are in no count. */
  async disabledIds(): Promise<readonly string[]> {
    const users = await this.#all(`SELECT ${COLUMNS} FROM users WHERE disabled_at IS NOT NULL`)
    return users.map((user) => String(user.id))
  }

  async passwordHash(id: number): Promise<string | undefined> {
    const sql = 'SELECT password_hash AS hash FROM users WHERE id = ?'
    const row = await this.#database.run(() => this.#database.prepare<[number], { hash: string }>(sql).get(id))
    return row?.hash
  }

  /** Throws InvalidError with field `username` where the name cannot be one or is taken. */
  async add({ username, passwordHash, role }: NewUser): Promise<User> {
    const problem = usernameProblem(username)
    if (problem !== undefined) throw new InvalidError([{ field: 'username', message: problem }])
    const now = Date.now()
    const sql = `INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (username) DO NOTHING RETURNING ${COLUMNS}`
    const user = await this.#one(sql, username, passwordHash, role, now, now)
    if (user === undefined) throw new InvalidError([taken(username)])
    return user
  }

  /** Makes the very first admin; undefined, and nothing made, where there is one already or the name is taken. */
  addFirstAdmin({ username, passwordHash }: Omit<NewUser, 'role'>): Promise<User | undefined> {
    const now = Date.now()
    const sql = `INSERT INTO users (username, password_hash, role, role_since, created_at)
      SELECT ?, ?, 'admin', ?, ? WHERE NOT EXISTS (SELECT 1 FROM users WHERE role = 'admin')
      ON CONFLICT (username) DO NOTHING RETURNING ${COLUMNS}`
    return this.#one(sql, username, passwordHash, now, now)
  }

  async hasAdmin(): Promise<boolean> {
    return (await this.#one(`SELECT ${COLUMNS} FROM users WHERE role = 'admin' LIMIT 1`)) !== undefined
  }

  /**
   * Inside a transaction of the caller's, as the next two are. Begins the next generation; returns it, undefined for an unknown user.
   * @param generation where given: changes nothing, and returns undefined, where the user is disabled or of another generation
   */
  setPasswordHash(id: number, hash: string, generation?: number): number | undefined {
    const unless = generation === undefined ? '' : 'AND generation = @generation AND disabled_at IS NULL'
    const sql = `UPDATE users SET password_hash = @hash, generation = generation + 1 WHERE id = @id ${unless} RETURNING generation`
    return this.#database.prepare<[object], { generation: number }>(sql).get({ id, hash, generation })?.generation
  }

  /** Throws InvalidError where it would take the last admin who can sign in. Changes nothing where it is so already. */
  setRole(id: number, role: Role): void {
    const sql = 'UPDATE users SET role = ?, role_since = ? WHERE id = ? AND role <> ?'
    this.#keepingAnAdmin('role', () => this.#database.prepare(sql).run(role, Date.now(), id, role))
  }

  /** Throws InvalidError where it would take the last admin who can sign in. Changes nothing where it is so already. */
  disable(id: number): void {
    const sql = 'UPDATE users SET disabled_at = ?, generation = generation + 1 WHERE id = ? AND disabled_at IS NULL'
    this.#keepingAnAdmin('user', () => this.#database.prepare(sql).run(Date.now(), id))
  }

  async enable(id: number): Promise<void> {
    await this.#database.run(() => this.#database.prepare('UPDATE users SET disabled_at = NULL WHERE id = ?').run(id))
  }

  /** As if they had come, or got their role, at this moment at the latest; returns those of whom that was not so. */
  async bringToPresent(): Promise<readonly number[]> {
    const sql = `UPDATE users SET created_at = min(created_at, @now), role_since = min(role_since, @now)
      WHERE created_at > @now OR role_since > @now RETURNING id`
    const rows = await this.#database.run(() => this.#database.prepare<[object], { id: number }>(sql).all({ now: Date.now() }))
    return rows.map(({ id }) => id)
  }

  #keepingAnAdmin(field: string, change: () => void): void {
    const sql = `SELECT count(*) AS n FROM users WHERE role = 'admin' AND disabled_at IS NULL`
    const admins = () => this.#database.prepare<[], { n: number }>(sql).get()?.n ?? 0
    const before = admins()
    change()
    if (before > 0 && admins() === 0) {
      throw new InvalidError([{ field, message: 'This is the last admin who can sign in: make somebody else an admin first.' }])
    }
  }

  #one(sql: string, ...values: readonly (string | number)[]): Promise<User | undefined> {
    return this.#database.run(() => this.#database.prepare<(string | number)[], User>(sql).get(...values))
  }

  #all(sql: string, ...values: readonly (string | number)[]): Promise<readonly User[]> {
    return this.#database.run(() => this.#database.prepare<(string | number)[], User>(sql).all(...values))
  }
}

/** What is wrong with a username, as a sentence; undefined where nothing is. */
export function usernameProblem(username: string): string | undefined {
  if (username === '') return 'A username is needed.'
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(username)) return 'A username has 1 to 64 letters (a–z), digits, dots, underscores and hyphens.'
  if (/^\d+$/.test(username)) return 'A username needs at least one character that is no digit.'
  return undefined
}

/** Fewest characters of a password that people choose for themselves. What an admin or operator hands out is theirs to judge. */
export const OWN_PASSWORD_LEAST = 8

/** What is wrong with a new password, as a sentence; undefined where nothing is. */
export function passwordProblem(password: string, least = 1): string | undefined {
  const length = [...password].length
  return length < least || length > 200 ? `A password has ${least} to 200 characters.` : undefined
}

function taken(username: string): FieldError {
  return { field: 'username', message: `Somebody is called ${username} already: choose another username.` }
}
