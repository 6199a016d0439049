import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database, Statement } from 'better-sqlite3'
import type { Access } from './access.js'
import type { Inbox } from './inbox.js'
import type { Stream } from './pages.js'
import { contentOf, iso, notificationOf, type RawContent, type RawNotification } from './rows.js'
import { FIRST, IN_PORTION, Sequence } from './sequence.js'
import { preparing } from './statements.js'
import type { ExportedNotification, UserExport } from './store.js'

/** Notifications in one portion: few, as each is read with its text. */
const ROWS = 100

interface RawKept extends RawContent {
  readonly audience: string
  readonly position: number
  readonly published_at: number
  readonly ended_at: number | null
  readonly read_at: number | null
  readonly archived_at: number | null
  /** Whether what the user did with it stands in a receipt: then no watermark says anything. */
  readonly marked: 0 | 1
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
  readonly #inbox: Inbox
  readonly #sequence: Sequence
  readonly #own: Statement
  readonly #broadcasts: Statement
  readonly #sentBy: Statement
  readonly #person: Statement
  readonly #topics: Statement

  constructor(db: Database, access: Access, inbox: Inbox) {
    const prepare = preparing(db)
    this.#access = access
    this.#inbox = inbox
    this.#sequence = new Sequence(db, ROWS)
    this.#own = prepare(DELIVERED(`d.audience = 'user:' || @user`))
    this.#broadcasts = prepare(
      `${DELIVERED(BROADCAST)} AND (r.read_at IS NOT NULL OR r.archived_at IS NOT NULL OR (r.user_id IS NULL AND d.position <= @watermark))`,
    )
    this.#sentBy = prepare(`SELECT * FROM notification_facts WHERE ${IN_PORTION('seq', ROWS)} AND sender = @user`)
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
    const { watermark, streams } = this.#inbox.placeOf(user)
    const own = this.#own.all({ ...bounds, watermark }) as RawKept[]
    const broadcasts = (this.#broadcasts.all({ ...bounds, watermark }) as RawKept[]).filter(
      (raw) => wasRead(raw) && (raw.marked === 1 || isIn(streams, raw)),
    )
    const notifications = [...own, ...broadcasts].sort((a, b) => a.position - b.position).map((raw) => exported(raw))
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

/** A range, for the index: all other audiences sort before those of users. */
const BROADCAST = `d.audience < 'user:'`

/** One look for each notification, not one for each of thousands who have it. */
const DELIVERED = (which: string) => `
  SELECT f.*, d.audience, d.position, d.published_at, d.ended_at, r.archived_at, r.user_id IS NOT NULL AS marked,
    CASE WHEN r.user_id IS NOT NULL THEN coalesce(r.read_at, r.archived_at) WHEN d.position <= @watermark THEN
      (SELECT w.at FROM notification_watermarks w WHERE w.user_id = @user AND w.position >= d.position ORDER BY w.position LIMIT 1) END AS read_at
  FROM notification_facts f CROSS JOIN notification_deliveries d INDEXED BY notification_deliveries_of ON d.notification = f.seq AND ${which}
  LEFT JOIN notification_receipts r ON r.user_id = @user AND r.position = d.position
  WHERE ${IN_PORTION('f.seq', ROWS)}`

/** Marking all also marks what is in no inbox any more: of that, nobody read anything. When it was pruned (0) does not say. */
function readAtOf({ read_at, ended_at }: RawKept): number | null {
  return read_at === null || ended_at === null || ended_at === 0 || read_at <= ended_at ? read_at : null
}

function wasRead(raw: RawKept): boolean {
  return raw.archived_at !== null || readAtOf(raw) !== null
}

/** As in pages of the inbox. What somebody marked by itself was theirs, whatever topics they are in now; of what they marked with all the rest only this tells. */
function isIn(streams: readonly Stream[], { audience, position, published_at }: RawKept): boolean {
  return streams.some((stream) => stream.audience === audience && published_at >= stream.since && position > stream.start)
}

function exported(raw: RawKept): ExportedNotification {
  const { id, title, body, url, level, category, data } = contentOf(raw)
  return {
    ...{ id, title, body, url, level, category, data },
    audience: raw.audience.startsWith('user:') ? 'user' : raw.audience,
    publishedAt: new Date(raw.published_at).toISOString(),
    readAt: iso(readAtOf(raw)),
    archivedAt: iso(raw.archived_at),
    inInbox: raw.ended_at === null,
  }
}

/** 0 is always. */
function since(ms: number | undefined): string | null {
  return ms === undefined || ms === 0 ? null : new Date(ms).toISOString()
}
