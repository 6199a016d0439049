import type { Database, Statement } from 'better-sqlite3'
import type { Notification } from '../notification.js'
import { namedUser } from './readers.js'
import { notificationOf, type RawNotification } from './rows.js'
import { preparing } from './statements.js'
import type { Sent } from './store.js'

export interface RawSent extends RawNotification {
  readonly seq: number
  readonly status: Sent['status']
}

const SENT = `
  SELECT f.*,
    CASE
      WHEN f.reason IS NOT NULL THEN 'refused'
      WHEN f.recalled_at IS NOT NULL THEN 'recalled'
      WHEN EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = f.seq AND s.action = 'publish') THEN 'scheduled'
      WHEN f.expires_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM notification_schedule s WHERE s.notification = f.seq AND s.action = 'expire') THEN 'expired'
      ELSE 'published'
    END AS status
  FROM notification_facts f`

/** What was sent, with where it stands. Reads only. */
export class Reports {
  readonly #page: Statement
  readonly #one: Statement
  readonly #recipients: Statement

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#page = prepare(`${SENT} WHERE f.seq < ? ORDER BY f.seq DESC LIMIT ?`)
    this.#one = prepare(`${SENT} WHERE f.id = ?`)
    this.#recipients = prepare(`SELECT user_id FROM notification_recipients WHERE notification = ?`).pluck()
  }

  page(before: number | null, limit: number): readonly RawSent[] {
    return this.#page.all(before ?? Number.MAX_SAFE_INTEGER, limit) as RawSent[]
  }

  one(id: string): RawSent | undefined {
    return this.#one.get(id) as RawSent | undefined
  }

  notification(raw: RawSent): Notification {
    return notificationOf(raw, this.#usersOf(raw))
  }

  /** The whole entry of one that so many have read. */
  entry(raw: RawSent, except: readonly string[], read: number): Sent {
    const users = this.#usersOf(raw)
    const named = namedUser(raw)
    const addressed = new Set(named === null ? users : named === undefined ? [] : [named])
    for (const user of except) addressed.delete(user)
    return {
      sequence: raw.seq,
      notification: notificationOf(raw, users),
      status: raw.status,
      recipients: named === undefined ? null : addressed.size,
      read,
    }
  }

  #usersOf({ audience, seq }: RawSent): readonly string[] {
    return audience === 'users' ? (this.#recipients.all(seq) as string[]) : []
  }
}
