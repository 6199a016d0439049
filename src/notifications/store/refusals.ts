import type { Database, Statement } from 'better-sqlite3'
import { preparing } from './statements.js'

/** A row of another process's that cannot be delivered, and which column is at fault. */
interface Refusal {
  readonly seq: number
  readonly reason: string
}

/** What the triggers have refused and nobody has logged yet. */
export class Refusals {
  readonly #pending: Statement
  readonly #take: Statement

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#pending = prepare('SELECT EXISTS (SELECT 1 FROM notification_rejects)').pluck()
    this.#take = prepare(`
      DELETE FROM notification_rejects WHERE notification IN (SELECT notification FROM notification_rejects LIMIT 100)
      RETURNING notification AS seq, reason`)
  }

  pending(): boolean {
    return this.#pending.get() === 1
  }

  /** Some of them, off the list. To be called inside a write transaction. */
  take(): Refusal[] {
    return this.#take.all() as Refusal[]
  }
}
