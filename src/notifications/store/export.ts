import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database, Statement } from 'better-sqlite3'
import type { Access } from './access.js'
import { READ_AT } from './readers.js'
import { contentOf, notificationOf, type RawContent, type RawNotification } from './rows.js'
import { FIRST, IN_PORTION, Sequence } from './sequence.js'
import { preparing } from './statements.js'
import type { ExportedNotification, UserExport } from './store.js'

interface RawKept extends RawContent {
  readonly audience: string
  readonly published_at: number
  readonly ended_at: number | null
  readonly archived_at: number | null
  readonly readAt: number
}

type SentBefore = UserExport['sent'][number]

interface Part {
  readonly notifications: readonly ExportedNotification[]
  readonly sent: readonly SentBefore[]
  /** Where the next one begins; null at the end. */
  readonly next: bigint | null
}

/** All that is stored about one user, for somebody who asks; read portion by portion. */
export class Export {
  readonly #access: Access
  readonly #sequence: Sequence
  readonly #kept: Statement
  readonly #sentBy: Statement
  readonly #person: Statement
  readonly #topics: Statement

  constructor(db: Database, access: Access) {
    const prepare = preparing(db)
    this.#access = access
    this.#sequence = new Sequence(db)
    this.#kept = prepare(KEPT)
    this.#sentBy = prepare(`SELECT * FROM notification_facts WHERE ${IN_PORTION('seq')} AND sender = @user`)
    this.#person = prepare(`SELECT since FROM notification_users WHERE user_id = ?`).pluck()
    this.#topics = prepare(
      `SELECT substr(audience, 7) AS name, since FROM notification_memberships WHERE user_id = ? AND audience <> 'everyone' ORDER BY 1`,
    )
  }

  async of(user: string): Promise<UserExport> {
    const notifications: ExportedNotification[] = []
    const sent: SentBefore[] = []
    for (let from: bigint | null = FIRST; from !== null; ) {
      const start: bigint = from
      const part = await this.#access.read(() => this.#part(user, start))
      notifications.push(...part.notifications)
      sent.push(...part.sent)
      from = part.next
      await nextTurn()
    }
    return { user, ...(await this.#access.read(() => this.#memberships(user))), notifications, sent }
  }

  #part(user: string, from: bigint): Part {
    const bounds = { user, from }
    const notifications = (this.#kept.all(bounds) as RawKept[]).map((raw) => exported(raw))
    const sent = (this.#sentBy.all(bounds) as RawNotification[]).map((raw) => {
      const { to: _, ...own } = notificationOf(raw, [])
      return own
    })
    return { notifications, sent, next: this.#sequence.after(from) }
  }

  #memberships(user: string): Pick<UserExport, 'since' | 'topics'> {
    const topics = this.#topics.all(user) as { name: string; since: number }[]
    return {
      since: since(this.#person.get(user) as number | undefined),
      topics: topics.map((topic) => ({ name: topic.name, since: since(topic.since) })),
    }
  }
}

const KEPT = `
  SELECT f.*, d.audience, d.published_at, d.ended_at, r.archived_at, ${READ_AT('@user', 'd.position')} AS readAt
  FROM notification_deliveries d JOIN notification_facts f ON f.seq = d.notification
  LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
  WHERE ${IN_PORTION('d.notification')} AND (d.audience = 'user:' || @user OR r.position IS NOT NULL)
  ORDER BY d.position`

function exported(raw: RawKept): ExportedNotification {
  const iso = (ms: number | null) => (ms === null || ms < 0 ? null : new Date(ms).toISOString())
  const { id, title, body, url, level, category, data } = contentOf(raw)
  return {
    ...{ id, title, body, url, level, category, data },
    audience: raw.audience.startsWith('user:') ? 'user' : raw.audience,
    publishedAt: new Date(raw.published_at).toISOString(),
    readAt: iso(raw.readAt),
    archivedAt: iso(raw.archived_at),
    inInbox: raw.ended_at === null,
  }
}

/** 0 is always. */
function since(ms: number | undefined): string | null {
  return ms === undefined || ms === 0 ? null : new Date(ms).toISOString()
}
