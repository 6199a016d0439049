import { randomFillSync } from 'node:crypto'
import type { Database, Statement } from 'better-sqlite3'
import type { Ending } from '../ending.js'
import { ConflictError } from '../errors.js'
import { audienceOf, type NewNotification, type Notification, requireLife } from '../notification.js'
import { isoTime } from '../values.js'
import { writtenAs } from './endings.js'
import { PORTION } from './portion.js'
import { notificationOf, type RawNotification } from './rows.js'
import { preparing } from './statements.js'
import type { Inserted } from './store.js'

interface Due {
  readonly notification: number
  readonly action: 'publish' | 'expire'
  readonly at: number
}

/** What senders do, and what the clock does. To be called inside a write transaction. */
export class Sending {
  readonly #insert: Statement
  readonly #name: Statement
  readonly #plan: Statement
  readonly #bySeq: Statement
  readonly #byKey: Statement
  readonly #recall: Statement
  readonly #exists: Statement
  readonly #due: Statement
  readonly #next: Statement
  readonly #done: Statement
  readonly #publish: Statement
  readonly #publishNamed: Statement
  readonly #expire: Statement
  readonly #recipients: Statement
  readonly #announce: Statement

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#insert = prepare(`
      INSERT INTO notifications
        (id, audience, title, body, url, level, category, data, sender, created_at, publish_at, expires_at, idempotency_key, content_hash)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#name = prepare(`INSERT INTO notification_recipients (notification, user_id) SELECT ?, value FROM json_each(?)`)
    this.#plan = prepare(
      `INSERT INTO notification_schedule (notification, action, at) VALUES (?, ?, ?) ON CONFLICT (notification, action) DO NOTHING`,
    )
    this.#bySeq = prepare(`SELECT * FROM notification_facts WHERE seq = ?`)
    this.#byKey = prepare(`SELECT seq, content_hash FROM notifications WHERE coalesce(sender, '') = ? AND idempotency_key = ?`)
    this.#recall = prepare(`UPDATE notifications SET recalled_at = ? WHERE id = ? AND recalled_at IS NULL`)
    this.#exists = prepare(`SELECT 1 FROM notifications WHERE id = ?`)
    this.#due = prepare(`SELECT notification, action, at FROM notification_schedule WHERE at <= ? ORDER BY at, action DESC LIMIT 1`)
    this.#next = prepare(`SELECT min(at) FROM notification_schedule`).pluck()
    this.#done = prepare(`DELETE FROM notification_schedule WHERE notification = ? AND action = ?`)
    this.#publish = prepare(`
      ${PUBLISH} SELECT f.audience, f.seq, @now FROM notification_facts f
      WHERE f.seq = @seq AND f.audience <> 'users' AND ${PUBLISHABLE('f.audience')}`)
    this.#publishNamed = prepare(`
      ${PUBLISH} SELECT 'user:' || r.user_id, f.seq, @now FROM notification_facts f JOIN notification_recipients r ON r.notification = f.seq
      WHERE f.seq = @seq AND f.audience = 'users' AND ${PUBLISHABLE(`'user:' || r.user_id`)}
        AND typeof(r.user_id) = 'text' AND length(r.user_id) BETWEEN 1 AND 255 AND NOT instr(r.user_id, char(0))`)
    this.#expire = prepare(`UPDATE notification_deliveries SET ended_at = @now WHERE notification = @seq AND ended_at IS NULL`)
    this.#recipients = prepare(`SELECT user_id FROM notification_recipients WHERE notification = ?`).pluck()
    this.#announce = prepare(`INSERT INTO notification_changes (audience, at) VALUES (?, ?)`)
  }

  insert(draft: NewNotification): Inserted {
    const known = this.#replay(draft)
    if (known !== undefined) return { notification: known, replayed: true }
    const { to, title, body, url, level, category, data, sender, publishAt, expiresAt, idempotencyKey, contentHash } = draft
    const id = newId()
    const at = Date.now()
    requireLife(draft, at)
    const values = [id, audienceOf(to), title, body, url, level, category, data, sender, at, publishAt, expiresAt, idempotencyKey, contentHash]
    const { lastInsertRowid } = this.#insert.run(values)
    if (typeof to === 'object' && 'users' in to) this.#nameAll(lastInsertRowid, to.users, draft, at)
    return { notification: asStored(draft, id, at), replayed: false }
  }

  /** False where that was done before, undefined where there is none. */
  recall(id: string, now: number): boolean | undefined {
    if (this.#recall.run(now, id).changes > 0) return true
    return this.#exists.get(id) === undefined ? undefined : false
  }

  /** Does some of what is due; returns when the next is, which may be at once, and null when nothing is planned. */
  tick(now: number): number | null {
    const until = performance.now() + PORTION
    for (let due = this.#due.get(now) as Due | undefined; due !== undefined; due = this.#due.get(now) as Due | undefined) {
      this.#done.run(due.notification, due.action)
      const bound = { seq: due.notification, now }
      if (due.action === 'expire') this.#expire.run(bound)
      else if (this.#publish.run(bound).changes === 0) this.#publishNamed.run(bound)
      if (performance.now() > until) break
    }
    return this.next()
  }

  next(): number | null {
    return this.#next.get() as number | null
  }

  announce(ending: Ending): void {
    this.#announce.run(writtenAs(ending), ending.at)
  }

  /**
   * Planned first: while it is on the schedule, naming somebody delivers nothing (`notification_recipient_added`). Then one statement delivers to all, in
   * a third of the time that each by itself would take.
   */
  #nameAll(seq: number | bigint, users: readonly string[], { publishAt, expiresAt }: NewNotification, now: number): void {
    this.#plan.run(seq, 'publish', publishAt ?? now)
    // By the database's clock it may have expired since `now`, and then nobody has planned its end.
    if (expiresAt !== null) this.#plan.run(seq, 'expire', expiresAt)
    this.#name.run(seq, JSON.stringify(users))
    if (publishAt !== null && publishAt > now) return
    this.#done.run(seq, 'publish')
    this.#publishNamed.run({ seq, now })
  }

  #replay({ sender, idempotencyKey, contentHash }: NewNotification): Notification | undefined {
    if (idempotencyKey === null) return undefined
    const stored = this.#byKey.get(sender ?? '', idempotencyKey) as { seq: number; content_hash: unknown } | undefined
    if (stored === undefined) return undefined
    if (stored.content_hash !== contentHash) throw new ConflictError('This idempotency key was used before, for another notification.')
    return this.#read(stored.seq)
  }

  #read(seq: number): Notification {
    const raw = this.#bySeq.get(seq) as RawNotification
    return notificationOf(raw, raw.audience === 'users' ? (this.#recipients.all(seq) as string[]) : [])
  }
}

/** What reading it again would give. */
function asStored(
  { to, title, body, url, level, category, data, sender, publishAt, expiresAt }: NewNotification,
  id: string,
  at: number,
): Notification {
  return {
    to,
    id,
    title,
    body,
    url,
    level,
    category,
    data: data === null ? null : JSON.parse(data),
    sender,
    createdAt: isoTime(at),
    publishAt: publishAt === null ? null : isoTime(publishAt),
    expiresAt: expiresAt === null ? null : isoTime(expiresAt),
    recalledAt: null,
  }
}

const CHANCE = 10
const chance = Buffer.alloc(CHANCE * 256)
let drawn = chance.length

/** The time, then chance: ids that are made together stand together in the index, so that a commit touches fewer pages. Chance is drawn for many at once. */
function newId(): string {
  if (drawn === chance.length) {
    randomFillSync(chance)
    drawn = 0
  }
  drawn += CHANCE
  return Date.now().toString(16).padStart(12, '0') + chance.toString('hex', drawn - CHANCE, drawn)
}

const PUBLISH = `INSERT INTO notification_deliveries (audience, notification, published_at)`

/** Whoever was named when it was due already has it. Without being told, SQLite would look for that in all of each inbox. */
const PUBLISHABLE = (audience: string) => `
  f.reason IS NULL AND f.recalled_at IS NULL AND (f.expires_at IS NULL OR f.expires_at > @now)
  AND NOT EXISTS (SELECT 1 FROM notification_deliveries d INDEXED BY notification_deliveries_of
    WHERE d.notification = f.seq AND d.audience = ${audience} AND d.ended_at IS NULL)`
