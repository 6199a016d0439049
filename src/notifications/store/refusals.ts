import type { Database, Statement } from 'better-sqlite3'
import type { Logger } from '../logger.js'
import type { Access } from './access.js'
import { preparing } from './statements.js'

/** A row of another process's that cannot be delivered, and which column is at fault. */
interface Refusal {
  readonly seq: number
  readonly reason: string
}

/** What the triggers have refused and nobody has logged yet. */
export class Refusals {
  readonly #access: Access
  readonly #logger: Logger
  readonly #pending: Statement
  readonly #take: Statement

  constructor(db: Database, access: Access, logger: Logger) {
    const prepare = preparing(db)
    this.#access = access
    this.#logger = logger
    this.#pending = prepare('SELECT EXISTS (SELECT 1 FROM notification_rejects)').pluck()
    this.#take = prepare(`
      DELETE FROM notification_rejects WHERE notification IN (SELECT notification FROM notification_rejects LIMIT 100)
      RETURNING notification AS seq, reason`)
  }

  /** Each is logged by one process, once: whoever takes it off the list. Without its content, which may be anything. */
  async log(): Promise<void> {
    try {
      while (this.#pending.get() === 1) {
        for (const refusal of await this.#access.write(() => this.#take.all() as Refusal[])) {
          this.#logger.warn(refusal, 'a row of the table notifications cannot be delivered and is skipped')
        }
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'refused rows of the table notifications could not be read')
    }
  }
}
