import assert from 'node:assert/strict'
import type { Database } from 'better-sqlite3'

interface Delivery {
  readonly position: number
  readonly audience: string
  readonly notification: number
  readonly published_at: number
}

interface Stored {
  readonly seq: number
  readonly audience: string
  readonly recalled_at: number | null
}

/**
 * How many notifications somebody has not read, counted one by one from what was sent, received and marked. Also throws where something is
 * delivered that was recalled, is still to come or addresses somebody else, and where something is delivered twice.
 */
export function recount(db: Database, user: string): number {
  return db.transaction(() => count(db, user))()
}

function count(db: Database, user: string): number {
  const known = db.prepare('SELECT since, watermark, newest FROM notification_users WHERE user_id = ?').get(user) as Known | undefined
  const me = known ?? { since: 0, watermark: 0, newest: 0 }
  const since = new Map([
    ['everyone', me.since],
    [`user:${user}`, Number.NEGATIVE_INFINITY],
  ])
  for (const row of db.prepare('SELECT audience, since FROM notification_memberships WHERE user_id = ?').all(user) as {
    audience: string
    since: number
  }[]) {
    since.set(row.audience, row.since)
  }
  const mark = (db.prepare('SELECT max(position) FROM notification_watermarks WHERE user_id = ?').pluck().get(user) as number | null) ?? 0
  assert.equal(me.watermark, mark)
  const newest = db.prepare('SELECT max(position) FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL').pluck()
  assert.equal(me.newest, newest.get(`user:${user}`) ?? 0)
  const receipts = new Map(
    (db.prepare('SELECT position, read_at, archived_at FROM notification_receipts WHERE user_id = ?').all(user) as Receipt[]).map((r) => [
      r.position,
      r,
    ]),
  )
  const mine = delivered(db).filter((d) => d.published_at >= (since.get(d.audience) ?? Number.POSITIVE_INFINITY))
  return mine.filter(({ position }) => {
    const receipt = receipts.get(position)
    return receipt === undefined ? position > mark : receipt.read_at === null && receipt.archived_at === null
  }).length
}

interface Known {
  readonly since: number
  readonly watermark: number
  readonly newest: number
}

interface Receipt {
  readonly position: number
  readonly read_at: number | null
  readonly archived_at: number | null
}

function delivered(db: Database): Delivery[] {
  const deliveries = db
    .prepare('SELECT position, audience, notification, published_at FROM notification_deliveries WHERE ended_at IS NULL')
    .all() as Delivery[]
  const stored = new Map((db.prepare('SELECT seq, audience, recalled_at FROM notifications').all() as Stored[]).map((n) => [n.seq, n]))
  const named = new Set(
    (db.prepare('SELECT notification, user_id FROM notification_recipients').all() as { notification: number; user_id: string }[]).map(
      (r) => `${r.notification} user:${r.user_id}`,
    ),
  )
  const pending = new Set(db.prepare(`SELECT notification FROM notification_schedule WHERE action = 'publish'`).pluck().all())
  const seen = new Set<string>()
  for (const { notification, audience } of deliveries) {
    const source = stored.get(notification)
    assert.ok(source, 'something is delivered that is not stored')
    assert.equal(source.recalled_at, null, 'something is delivered that was recalled')
    assert.ok(!pending.has(notification), 'something is delivered that is still to come')
    assert.ok(
      source.audience === 'users' ? named.has(`${notification} ${audience}`) : source.audience === audience,
      'something is delivered to somebody else',
    )
    assert.ok(!seen.has(`${notification} ${audience}`), 'something is delivered twice')
    seen.add(`${notification} ${audience}`)
  }
  return deliveries
}
