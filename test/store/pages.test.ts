import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { Page } from '../../src/notifications/store/store.js'
import { PAGE } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

const MANY = 4000

/** Of what came to ada, alone and with everyone, nearly all is archived or read by itself, and little is of the category 'rare'. */
function fillTheInboxOfAda(path: string): void {
  const db = new Sqlite(path, { timeout: 10_000 })
  db.pragma('synchronous = OFF')
  db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY})
      INSERT INTO notifications (id, audience, title, category)
      SELECT 'n' || i, CASE WHEN i % 3 = 0 THEN 'everyone' ELSE 'user:ada' END, 'x', CASE WHEN i % 1777 = 1 THEN 'rare' ELSE 'common' END FROM n;
    INSERT INTO notification_receipts (user_id, position, read_at, archived_at)
      SELECT 'ada', position, 1, CASE WHEN position % 2 = 0 THEN 1 END FROM notification_deliveries WHERE position % 1333 <> 7`)
  db.close()
}

const isRare = (i: number) => i % 1777 === 1
const isUnread = (i: number) => i % 1333 === 7
const isArchived = (i: number) => !isUnread(i) && i % 2 === 0

test('a filter that passes over thousands finds the few that are left, in either direction and page by page', { timeout: 60_000 }, async () => {
  await using subject = new SqliteSubject()
  fillTheInboxOfAda(subject.path)
  const walk = async (page: Partial<Page> & { limit: number }, forwards: boolean) => {
    const ids: string[] = []
    for (let place: Partial<Page> = forwards ? { after: 0 } : {}; ; ) {
      const { rows, more } = await subject.store.list('ada', { ...PAGE, ...page, ...place })
      assert.ok(rows.length <= page.limit, `${rows.length} rows`)
      ids.push(...rows.map(({ id }) => id))
      const end = rows.at(-1)?.position ?? null
      if (!more) return ids
      place = forwards ? { after: end } : { before: end }
    }
  }
  const all = Array.from({ length: MANY }, (_, n) => n + 1)
  for (const upTo of [0, 2000]) {
    if (upTo > 0) await subject.store.markAllAsRead('ada', upTo, 2)
    const shows = { unread: (i: number) => isUnread(i) && i > upTo, archived: isArchived, all: (i: number) => !isArchived(i) }
    for (const filter of ['unread', 'archived', 'all'] as const) {
      for (const category of [null, 'rare', 'nothing of it']) {
        const isShown = (i: number) => shows[filter](i) && (category === null || (category === 'rare' && isRare(i)))
        const expected = all.filter(isShown).map((i) => `n${i}`)
        for (const limit of [2, 25]) {
          const what = `${filter}, ${category}, ${limit} a page, ${upTo} marked`
          assert.deepEqual(await walk({ filter, category, limit }, true), expected, `${what}, forwards`)
          assert.deepEqual(await walk({ filter, category, limit }, false), expected.toReversed(), what)
        }
      }
    }
  }
})

test('wherever one begins, none is passed over that the filter shows', async () => {
  await using subject = new SqliteSubject()
  fillTheInboxOfAda(subject.path)
  const only = async (place: Partial<Page>) => (await subject.store.list('ada', { ...PAGE, category: 'rare', limit: 1, ...place })).rows[0]?.id
  // Two of three are ada's own, and a thousand of them are looked at in one go.
  for (let away = 1400; away <= 1600; away++) {
    assert.equal(await only({ before: 1 + away }), 'n1', `before ${1 + away}`)
    assert.equal(await only({ after: 3555 - away }), 'n3555', `after ${3555 - away}`)
  }
})

test('while a filter passes over thousands, the event loop turns', async () => {
  await using subject = new SqliteSubject()
  fillTheInboxOfAda(subject.path)
  for (const page of [
    { category: 'nothing of it' },
    { filter: 'unread', category: 'rare' },
    { filter: 'archived', category: 'nothing of it' },
  ] as const) {
    let turns = 0
    let isLooking = true
    const turn = () => {
      turns++
      if (isLooking) setImmediate(turn)
    }
    setImmediate(turn)
    await subject.store.list('ada', { ...PAGE, ...page })
    isLooking = false
    assert.ok(turns > 0, `${turns} turns for ${JSON.stringify(page)}`)
  }
})
