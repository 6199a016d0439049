import type { Logger } from 'pino'
import { type FieldError, InvalidError, type Notifications, UnavailableError } from '../notifications/index.js'
import { SignedOutError } from './auth.js'
import type { AppDatabase } from './database.js'
import { askerOf, type Passwords } from './passwords.js'
import type { SessionStore } from './session.js'
import { OWN_PASSWORD_LEAST, passwordProblem, type Role, type User, type Users, usernameProblem } from './users.js'

interface Parts {
  readonly database: AppDatabase
  readonly users: Users
  readonly passwords: Passwords
  readonly sessions: SessionStore
  readonly notifications: Notifications
  readonly log: Logger
}

/** What admins and people themselves can do with accounts: effective at once, on sessions and open sockets, too. */
export class Accounts {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Throws InvalidError with fields `username` and `password`. */
  async add(input: { readonly username: string; readonly password: string; readonly role: Role }): Promise<User> {
    const { users, passwords } = this.#parts
    const errors: FieldError[] = []
    const username = usernameProblem(input.username)
    if (username !== undefined) errors.push({ field: 'username', message: username })
    const password = passwordProblem(input.password)
    if (password !== undefined) errors.push({ field: 'password', message: password })
    if (errors.length > 0) throw new InvalidError(errors)
    return users.add({ username: input.username, role: input.role, passwordHash: await passwords.hash(input.password) })
  }

  /**
   * Ends all sessions of the user with their sockets, but for `keep`: the one in which people change their own. Returns the generation of the account from now on.
   * Throws InvalidError with field `password`; with `keep`, SignedOutError where the user was disabled or given another password since `user` was read.
   */
  async setPassword(user: User, password: string, keep?: string): Promise<number> {
    const { database, users, passwords, sessions } = this.#parts
    const problem = passwordProblem(password, keep === undefined ? 1 : OWN_PASSWORD_LEAST)
    if (problem !== undefined) throw new InvalidError([{ field: 'password', message: problem }])
    const hash = await passwords.hash(password, keep === undefined ? undefined : askerOf(user))
    const { generation, ended } = await database.transaction(() => {
      const generation = users.setPasswordHash(user.id, hash, keep === undefined ? undefined : user.generation)
      if (generation === undefined) throw new SignedOutError()
      const ended = sessions.endAllOf(user.id, keep)
      if (keep !== undefined) sessions.carryOver(keep, generation)
      return { generation, ended }
    })
    if (keep === undefined) await this.#disconnect([{ user: String(user.id) }])
    else await this.#disconnect(ended.map((session) => ({ session })))
    return generation
  }

  /** Throws InvalidError with field `role` where it would take the last admin who can sign in. */
  async setRole(user: User, role: Role): Promise<void> {
    const { database, users } = this.#parts
    await database.transaction(() => users.setRole(user.id, role))
    await this.#refresh(user.id)
  }

  /** Throws InvalidError with field `user` where it would take the last admin who can sign in. */
  async disable(user: User): Promise<void> {
    const { database, users, sessions } = this.#parts
    await database.transaction(() => {
      users.disable(user.id)
      sessions.endAllOf(user.id)
    })
    await this.#disconnect([{ user: String(user.id) }])
  }

  /** Sessions from before stay over. */
  async enable(user: User): Promise<void> {
    await this.#parts.users.enable(user.id)
  }

  /** People who were added, or got their role, before the machine's clock was set back: broadcasts would pass them by until it is as late again. */
  async bringToPresent(): Promise<void> {
    const changed = await this.#parts.users.bringToPresent()
    await Promise.all(changed.map((id) => this.#refresh(id)))
  }

  async #refresh(id: number): Promise<void> {
    await this.#parts.notifications.refresh(String(id)).catch((error: unknown) => this.#lag(error))
  }

  async #disconnect(targets: readonly Parameters<Notifications['disconnect']>[0][]): Promise<void> {
    await Promise.all(targets.map((target) => this.#parts.notifications.disconnect(target))).catch((error: unknown) => this.#lag(error))
  }

  /** The change is made and holds for every new request; that open pages hear of it late is no failure of the change. */
  #lag(error: unknown): void {
    if (!(error instanceof UnavailableError)) throw error
    this.#parts.log.warn({ err: error }, 'open connections hear of a changed account late')
  }
}
