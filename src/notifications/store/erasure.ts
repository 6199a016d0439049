import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database, Statement } from 'better-sqlite3'
import type { Access } from './access.js'
import { PORTION, type Portion, portions } from './portion.js'
import { FIRST, IN_PORTION, ROWS, Sequence } from './sequence.js'
import { preparing } from './statements.js'

/** Forgets users: what names them first, then every trace, portion by portion, each in a write transaction of its own. */
export class Erasure {
  readonly #access: Access
  readonly #sequence: Sequence
  readonly #named: readonly Statement[]
  readonly #stillThere: Statement
  readonly #receipts: Statement
  readonly #traces: readonly Statement[]

  constructor(db: Database, access: Access) {
    const prepare = preparing(db)
    this.#access = access
    this.#sequence = new Sequence(db)
    this.#named = NAMED.map(prepare)
    this.#stillThere = prepare(`SELECT notification FROM notification_deliveries WHERE audience = 'user:' || ? AND ended_at IS NULL LIMIT 1`)
      .pluck()
      .safeIntegers()
    this.#receipts = prepare(`
      DELETE FROM notification_receipts WHERE user_id = @user AND position IN (
        SELECT position FROM notification_receipts WHERE user_id = @user LIMIT ${ROWS})`)
    this.#traces = TRACES.map(prepare)
  }

  async erase(user: string): Promise<void> {
    await portions(FIRST, (from) => this.#access.write(() => this.#eraseNamed(user, from)))
    while (!(await this.#access.write(() => this.#eraseTraces(user)))) await nextTurn()
  }

  /** What is named for a user in one portion of what was sent. */
  #eraseNamed(user: string, from: bigint): Portion<bigint> {
    const count = this.#named.reduce((sum, statement) => sum + statement.run({ user, from }).changes, 0)
    return { count, next: this.#sequence.after(from) }
  }

  /** The rest: what came meanwhile, what was read, what is known of the user. False while there is more. */
  #eraseTraces(user: string): boolean {
    if (!this.#eraseLate(user) || this.#receipts.run({ user }).changes === ROWS) return false
    for (const statement of this.#traces) statement.run({ user })
    return true
  }

  /** What came after its portion had been erased, else it would outlive the counter that it was counted in. False while there is more. */
  #eraseLate(user: string): boolean {
    const until = performance.now() + PORTION
    for (let late = this.#late(user); late !== undefined; late = this.#late(user)) {
      this.#eraseNamed(user, late - 1n)
      if (performance.now() > until) return false
    }
    return true
  }

  #late(user: string): bigint | undefined {
    return this.#stillThere.get(user) as bigint | undefined
  }
}

const NAMED = [
  `DELETE FROM notifications WHERE ${IN_PORTION('seq')} AND audience = 'user:' || @user`,
  `DELETE FROM notifications WHERE ${IN_PORTION('seq')} AND audience = 'users'
    AND EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id = @user)
    AND NOT EXISTS (SELECT 1 FROM notification_recipients r WHERE r.notification = seq AND r.user_id <> @user)`,
  `DELETE FROM notification_recipients WHERE ${IN_PORTION('notification')} AND user_id = @user`,
  `DELETE FROM notification_deliveries WHERE ${IN_PORTION('notification')} AND audience = 'user:' || @user`,
  `UPDATE notifications SET sender = NULL, idempotency_key = NULL, content_hash = NULL WHERE ${IN_PORTION('seq')} AND sender = @user`,
]

const TRACES = [
  `DELETE FROM notification_watermarks WHERE user_id = @user`,
  `DELETE FROM notification_memberships WHERE user_id = @user`,
  `DELETE FROM notification_users WHERE user_id = @user`,
  `UPDATE notification_changes SET audience = 'erased:' WHERE audience IN ('user:' || @user, 'signed-out:' || @user)`,
  // No trigger tells of the rows above, and nobody is to be told the name.
  `INSERT INTO notification_changes (audience) VALUES ('erased:')`,
]
