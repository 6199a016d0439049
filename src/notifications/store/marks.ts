import type { Database, Statement } from 'better-sqlite3'
import { InvalidError } from '../errors.js'
import type { Person } from '../person.js'
import type { ItemState } from '../protocol.js'
import type { Inbox } from './inbox.js'
import { Settling } from './settling.js'
import { preparing } from './statements.js'
import type { Mark, Row } from './store.js'
import { FLOOR, SAYS_UNREAD, UNREAD_ABOVE } from './unread.js'

/** What people do with their inboxes, and which broadcasts are theirs. To be called inside a write transaction. */
export class Marks {
  readonly #inbox: Inbox
  readonly #settling: Settling
  readonly #receive: Statement
  readonly #rereadBelow: Statement
  readonly #setWatermark: Statement
  readonly #beforeAll: Statement
  readonly #unreadUpTo: Statement
  readonly #forget: Statement
  readonly #join: Statement
  readonly #become: Statement
  readonly #tell: Statement

  constructor(db: Database, inbox: Inbox) {
    const prepare = preparing(db)
    this.#inbox = inbox
    this.#settling = new Settling(db, inbox)
    this.#receive = prepare(`
      INSERT INTO notification_receipts (user_id, position, read_at, archived_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (user_id, position) DO UPDATE SET read_at = excluded.read_at, archived_at = excluded.archived_at`)
    this.#beforeAll = prepare(`
      SELECT coalesce(u.unread, 0), coalesce(u.newest, 0), coalesce(u.watermark, 0), coalesce(u.marks, 0),
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'notification_deliveries'), 0)
      FROM (SELECT ? AS id) me LEFT JOIN notification_users u ON u.user_id = me.id`).raw()
    this.#rereadBelow = prepare(`
      UPDATE notification_receipts SET read_at = @now WHERE user_id = @user AND position IN (
        SELECT r.position FROM notification_receipts r INDEXED BY notification_receipts_unread
        WHERE r.user_id = @user AND r.read_at IS NULL AND r.position <= @upTo)`)
    this.#unreadUpTo = prepare(UNREAD_UP_TO).pluck()
    this.#setWatermark = prepare(`INSERT INTO notification_watermarks (user_id, position, at) VALUES (@user, @upTo, @now)`)
    this.#forget = prepare(`DELETE FROM notification_memberships WHERE user_id = ?`)
    this.#join = prepare(`INSERT INTO notification_memberships (user_id, audience, since, start) VALUES (@user, @audience, @since, ${START})`)
    this.#become = prepare(`
      INSERT INTO notification_users (user_id, version, since, start, membership) VALUES (@user, @change, @since, ${START}, @key)
      ON CONFLICT (user_id) DO UPDATE SET version = version + @change, since = excluded.since, start = excluded.start, membership = excluded.membership`)
    this.#tell = prepare(`INSERT INTO notification_changes (audience) VALUES (?)`)
  }

  /** Returns those of them that are in the inbox, and what they were before; throws, with nothing changed, where one cannot be marked so. */
  mark(user: string, ids: readonly string[], mark: Mark, now: number): Map<string, ItemState> {
    const rows = this.#inbox.findAll(user, [...new Set(ids)])
    const changes = rows.flatMap((row) => changeOf(row, mark, now) ?? [])
    for (const { position, readAt, archivedAt } of changes) this.#receive.run(user, position, readAt, archivedAt)
    if (changes.length > 0) this.#settling.settle(user)
    return new Map(rows.map(({ id, state }) => [id, state]))
  }

  /**
   * Nothing above the newest can be marked: what arrives later stays unread. False, and nothing changes, where there is nothing to mark. Of whoever
   * never marked one alone, the user's row says enough.
   */
  markAllAsRead(user: string, upTo: number, now: number): boolean {
    const [unread, ownNewest, watermark, marks, newest] = this.#beforeAll.get(user) as [number, number, number, number, number]
    const bound = { user, upTo: Math.min(upTo, newest), now }
    const all = unread > 0 && marks === 0 && ownNewest <= bound.upTo && watermark < bound.upTo
    if (!all && this.#unreadUpTo.get(bound) === 0) return false
    if (watermark < bound.upTo) this.#setWatermark.run(bound)
    else this.#rereadBelow.run(bound)
    return true
  }

  /** The sum that makes up the version must not fall, whatever the topics that come and go have counted. */
  remember({ id: user, key, since, topics }: Person): void {
    const before = this.#inbox.snapshot(user)
    if (before.membership === key) return
    this.#forget.run(user)
    for (const [topic, since] of topics) this.#join.run({ user, audience: `topic:${topic}`, since })
    const after = this.#inbox.snapshot(user)
    this.#become.run({ user, audience: 'everyone', since, key, change: before.version + 1 - after.version })
    this.#tell.run(`user:${user}`)
  }
}

interface Receipt {
  readonly position: number
  readonly readAt: number | null
  readonly archivedAt: number | null
}

/** What the receipt is to say; undefined where the mark changes nothing. */
function changeOf({ position, state, readAt }: Row, mark: Mark, now: number): Receipt | undefined {
  const read = readAt ?? now
  switch (mark) {
    case 'read':
      return state === 'unread' ? { position, readAt: now, archivedAt: null } : undefined
    case 'unread':
      if (state === 'archived') throw new InvalidError([{ field: 'id', message: ARCHIVED }])
      return state === 'read' ? { position, readAt: null, archivedAt: null } : undefined
    case 'archive':
      return state === 'archived' ? undefined : { position, readAt: read, archivedAt: now }
    case 'unarchive':
      return state === 'archived' ? { position, readAt: read, archivedAt: null } : undefined
  }
}

const ARCHIVED = 'What is archived cannot be marked as unread: take it out of the archive first.'

/** Below this position nothing of the audience is theirs, since they came later. */
const START = `coalesce(
  (SELECT min(position) - 1 FROM notification_deliveries WHERE audience = @audience AND ended_at IS NULL AND published_at >= @since),
  (SELECT seq FROM sqlite_sequence WHERE name = 'notification_deliveries'), 0)`

/** Whether anything of one stream up to a position is unread, above the floor or below. */
const UNREAD_IN = (audience: string, since: string, start: string) => `
  EXISTS (SELECT 1 FROM notification_deliveries d
    WHERE d.audience = ${audience} AND d.ended_at IS NULL AND d.published_at >= ${since} AND d.position > max(${FLOOR}, ${start}) AND d.position <= @upTo
      AND ${UNREAD_ABOVE('@user')})
  OR EXISTS (SELECT 1 FROM notification_receipts r INDEXED BY notification_receipts_unread CROSS JOIN notification_deliveries d ON d.position = r.position
    WHERE r.user_id = @user AND ${SAYS_UNREAD} AND r.position <= min(${FLOOR}, @upTo)
      AND d.audience = ${audience} AND d.ended_at IS NULL AND d.published_at >= ${since} AND d.position > ${start})`

/** Whether anything up to a position is. */
const UNREAD_UP_TO = `
  SELECT ${UNREAD_IN(`'user:' || @user`, '-9e18', '0')} OR ${UNREAD_IN(`'everyone'`, 'coalesce(u.since, 0)', 'coalesce(u.start, 0)')}
    OR EXISTS (SELECT 1 FROM notification_memberships m WHERE m.user_id = @user AND ${UNREAD_IN('m.audience', 'm.since', 'm.start')})
  FROM (SELECT 1) LEFT JOIN notification_users u ON u.user_id = @user`
