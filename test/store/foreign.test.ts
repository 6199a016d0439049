import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { Ending } from '../../src/notifications/ending.js'
import { draft, Eyes, person } from '../contracts/store.js'
import { eventually } from '../helpers/eventually.js'
import { SqliteSubject } from './subject.js'

const NONSENSE: readonly (readonly [string, string])[] = [
  ['audience', `(audience, title) VALUES (NULL, 'x')`],
  ['audience', `(audience, title) VALUES ('', 'x')`],
  ['audience', `(audience, title) VALUES ('user:', 'x')`],
  ['audience', `(audience, title) VALUES ('nobody', 'x')`],
  ['audience', `(audience, title) VALUES ('topic:two words', 'x')`],
  ['audience', `(audience, title) VALUES (x'757365723a37', 'x')`],
  ['audience', `(audience, title) VALUES ('user:' || printf('%.*c', 300, 'x'), 'x')`],
  ['title', `(audience) VALUES ('user:7')`],
  ['title', `(audience, title) VALUES ('user:7', '  ')`],
  ['title', `(audience, title) VALUES ('user:7', printf('%.*c', 201, 'x'))`],
  ['title', `(audience, title) VALUES ('user:7', x'ff00ff')`],
  ['title', `(audience, title) VALUES ('user:7', 'a' || char(0) || 'b')`],
  ['body', `(audience, title, body) VALUES ('user:7', 'x', printf('%.*c', 5001, 'x'))`],
  ['body', `(audience, title, body) VALUES ('user:7', 'x', zeroblob(10))`],
  ['publish_at', `(audience, title, publish_at) VALUES ('user:7', 'x', 'soon')`],
  ['publish_at', `(audience, title, publish_at) VALUES ('user:7', 'x', 9223372036854775807)`],
  ['expires_at', `(audience, title, expires_at) VALUES ('user:7', 'x', 9e999)`],
  ['expires_at', `(audience, title, expires_at) VALUES ('user:7', 'x', zeroblob(8))`],
  ['id', `(id, audience, title) VALUES (x'00', 'user:7', 'x')`],
  ['id', `(id, audience, title) VALUES ('unread', 'user:7', 'x')`],
  ['id', `(id, audience, title, publish_at) VALUES ('Socket', 'everyone', 'x', '2100-01-01')`],
  ['id', `(id, audience, title) VALUES ('..', 'user:7', 'x')`],
]

test('nonsense in a foreign row is skipped, logged once with the column at fault, and harms nobody', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(NONSENSE.map(([, row]) => `INSERT INTO notifications ${row};`).join('\n'))
  await subject.foreign(`INSERT INTO notifications (audience, title) VALUES ('user:7', 'sense')`)
  await eventually(() => subject.logged.length >= NONSENSE.length, 'every refusal was logged')
  assert.deepEqual(
    subject.logged.map(({ details }) => ('reason' in details ? details.reason : details)),
    NONSENSE.map(([reason]) => reason),
  )
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['sense'], 1])
  const sent = await subject.store.sent({ before: null, limit: 100, except: [] })
  assert.equal(sent.filter(({ status }) => status === 'refused').length, NONSENSE.length)
  await subject.store.tick(Date.now() + 1e12)
  assert.deepEqual(await eyes.titles('7'), ['sense'])
  assert.equal(subject.logged.length, NONSENSE.length)
})

test('what was refused is delivered when it is put right, and withdrawn when it is spoilt', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`INSERT INTO notifications (audience, title) VALUES ('user7', 'typo')`)
  await subject.foreign(`UPDATE notifications SET audience = 'user:7'`)
  assert.equal(await eyes.unread('7'), 1)
  await subject.foreign(`UPDATE notifications SET title = ''`)
  assert.equal(await eyes.unread('7'), 0)
  await subject.foreign(`UPDATE notifications SET title = 'typo', id = 'stream'`)
  assert.equal(await eyes.unread('7'), 0)
  await subject.foreign(`UPDATE notifications SET id = 'streams'`)
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['typo'], 1])
})

test('a row that a trigger of the host changes as it is inserted reaches once, and only, those whom it is for then', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(
    [
      `'words' BEGIN UPDATE notifications SET title = 'Words', category = 'c' WHERE seq = NEW.seq`,
      `'moved' BEGIN UPDATE notifications SET audience = 'user:8' WHERE seq = NEW.seq`,
      `'ended' BEGIN UPDATE notifications SET expires_at = 1 WHERE seq = NEW.seq`,
      `'later' BEGIN UPDATE notifications SET publish_at = '2100-01-01' WHERE seq = NEW.seq`,
      `'taken back' BEGIN UPDATE notifications SET recalled_at = 1 WHERE seq = NEW.seq`,
      `'gone' BEGIN DELETE FROM notifications WHERE seq = NEW.seq`,
    ]
      .map((rest, n) => `CREATE TRIGGER hosts_${n} AFTER INSERT ON notifications WHEN NEW.title = ${rest}; END;`)
      .join('\n'),
  )
  const titles = ['words', 'moved', 'ended', 'later', 'taken back', 'gone', 'plain']
  for (const title of titles) await subject.store.insert(draft({ user: '7' }, title))
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['plain', 'Words'], 2])
  assert.deepEqual([await eyes.titles('8'), await eyes.unread('8')], [['moved'], 1])
  await subject.foreign(
    `INSERT OR REPLACE INTO notifications (id, audience, title) SELECT id, audience, 'words' FROM notifications WHERE title = 'plain'`,
  )
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['Words', 'Words'], 2])
})

for (const [what, others] of [
  ['changes', `UPDATE notifications SET category = 'older' WHERE category IS NULL AND seq < NEW.seq`],
  ['takes back', `UPDATE notifications SET recalled_at = 1 WHERE title = 'old' AND seq < NEW.seq`],
  ['deletes', `DELETE FROM notifications WHERE title = 'old' AND seq < NEW.seq`],
] as const)
  test(`a trigger of the host that ${what} older rows as one is inserted leaves each counted once, and none that was replaced`, async () => {
    await using subject = new SqliteSubject()
    const eyes = new Eyes(subject)
    await subject.store.insert(draft({ user: '7' }, 'old'))
    await subject.foreign(`
      CREATE TRIGGER hosts AFTER INSERT ON notifications BEGIN
        UPDATE notifications SET body = 'new' WHERE seq = NEW.seq AND title = 'worded';
        ${others};
      END;
      INSERT INTO notifications (id, audience, title) VALUES ('job', 'user:7', 'job');
      INSERT INTO notifications (audience, title) VALUES ('user:7', 'worded');
      INSERT INTO notifications (audience, title) VALUES ('user:7', 'old');
      INSERT OR REPLACE INTO notifications (id, audience, title) VALUES ('job', 'user:7', 'done')`)
    const expected = what === 'changes' ? ['done', 'old', 'worded', 'old'] : ['done', 'worded']
    assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [expected, expected.length])
  })

test('those whom a trigger of the host names have it, also where it changes the row after that', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`
    CREATE TRIGGER hosts AFTER INSERT ON notifications WHEN NEW.audience = 'users' BEGIN
      INSERT INTO notification_recipients (notification, user_id) VALUES (NEW.seq, '7');
      UPDATE notifications SET category = 'c' WHERE seq = NEW.seq;
    END;
    INSERT INTO notifications (audience, title) VALUES ('users', 'named')`)
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['named'], 1])
})

test('what was changed or deleted before its time, and is inserted anew under its number, is delivered', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  const later = `(seq, audience, title, publish_at) VALUES (5, 'user:7', 'later', '2100-01-01')`
  const now = `(seq, audience, title) VALUES (5, 'user:7', 'now')`
  await subject.foreign(`
    INSERT INTO notifications ${later}; UPDATE notifications SET body = 'x' WHERE seq = 5; INSERT OR REPLACE INTO notifications ${now}`)
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['now'], 1])
  await subject.foreign(`
    INSERT OR REPLACE INTO notifications ${later}; DELETE FROM notifications WHERE seq = 5; INSERT INTO notifications ${now}`)
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['now'], 1])
})

test('whether those who were named have it already is looked for by the notification that was changed, not in each inbox', async () => {
  await using subject = new SqliteSubject()
  const db = new Sqlite(subject.path)
  const trigger = String(db.prepare(`SELECT sql FROM sqlite_master WHERE name = 'notification_updated'`).pluck().get())
  const last = trigger.slice(trigger.lastIndexOf('INSERT INTO'), trigger.lastIndexOf(';')).replaceAll('NEW.seq', '1')
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${last}`).all() as { readonly detail: string }[]
  db.close()
  const looks = steps.map(({ detail }) => detail).filter((detail) => detail.startsWith('SEARCH d '))
  assert.deepEqual(looks, ['SEARCH d USING INDEX notification_deliveries_of (notification=? AND audience=?)'])
})

test('softer nonsense is mended where it is read: a link that is none is no link', async () => {
  await using subject = new SqliteSubject()
  await subject.foreign(`
    INSERT INTO notifications (audience, title, url, level, category, data, created_at, sender)
    VALUES ('user:7', 'a', 'javascript:alert(1)', 'fatal', x'00', '{broken', 'yesterday', zeroblob(3)),
      ('user:7', 'b', '//evil.example', NULL, printf('%.*c', 65, 'x'), NULL, 9223372036854775807, NULL),
      ('user:7', 'c', x'2f', 7, 5, 12, 1e300, 5)`)
  const { rows } = await subject.store.list('7', { filter: 'all', category: null, before: null, after: null, limit: 10 })
  assert.equal(rows.length, 3)
  for (const row of rows) assert.deepEqual([row.url, row.level], [null, 'info'])
  assert.deepEqual(
    rows.map((row) => row.category),
    ['5', null, null],
  )
  assert.equal((await subject.store.sent({ before: null, limit: 10, except: [] })).length, 3)
  assert.equal((await subject.store.report(rows[2]?.id ?? '', []))?.notification.sender, null)
})

test('the data of a foreign row counts as none where it is longer than we take ourselves, however deeply it is nested', async () => {
  await using subject = new SqliteSubject()
  const nested = (bytes: number) => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2)
  const [fits, deep, long, wide] = [nested(4096), nested(16_000), JSON.stringify('x'.repeat(4095)), JSON.stringify('ü'.repeat(2048))]
  await subject.foreign(
    [fits, deep, long, wide].map((data) => `INSERT INTO notifications (audience, title, data) VALUES ('user:7', 'x', '${data}');`).join('\n'),
  )
  const { rows } = await subject.store.list('7', { filter: 'all', category: null, before: null, after: null, limit: 10 })
  assert.deepEqual(
    rows.map(({ data }) => JSON.stringify(data)),
    ['null', 'null', 'null', fits],
  )
})

test('times of foreign rows may be milliseconds or any text that SQLite reads as a date', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`
    INSERT INTO notifications (audience, title, publish_at, expires_at) VALUES
      ('user:7', 'now', datetime('now', '-1 hour'), '2999-01-31T09:00:00Z'),
      ('user:7', 'later', datetime('now', '+1 hour'), NULL),
      ('user:7', 'offset', '2998-01-31T09:00:00+02:00', NULL),
      ('user:7', 'over', NULL, datetime('now', '-1 minute'))`)
  assert.deepEqual(await eyes.titles('7'), ['now'])
  const next = await subject.store.tick(Date.now())
  assert.ok(Math.abs((next ?? 0) - Date.now() - 3_600_000) < 60_000)
  await subject.store.tick(Date.parse('2998-01-31T07:00:00Z') - 1)
  assert.deepEqual(await eyes.titles('7'), ['later', 'now'])
  await subject.store.tick(Date.parse('2998-01-31T07:00:00Z'))
  assert.deepEqual(await eyes.titles('7'), ['offset', 'later', 'now'])
  await subject.store.tick(Date.parse('2999-01-31T09:00:00Z'))
  assert.deepEqual(await eyes.titles('7'), ['offset', 'later'])
})

test('a foreign writer may name several users, one row each, and take one out again', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`
    INSERT INTO notifications (id, audience, title) VALUES ('n', 'users', 'for two');
    INSERT INTO notification_recipients SELECT seq, 'ada' FROM notifications WHERE id = 'n';
    INSERT INTO notification_recipients SELECT seq, 'bob' FROM notifications WHERE id = 'n';`)
  assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [1, 1])
  await subject.foreign(`DELETE FROM notification_recipients WHERE user_id = 'ada'`)
  assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [0, 1])
  await subject.foreign(`UPDATE notifications SET audience = 'everyone' WHERE id = 'n'`)
  assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [1, 1])
  await subject.foreign(`UPDATE notifications SET audience = 'users' WHERE id = 'n'`)
  assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [0, 1])
})

test('recipients that no user can be get nothing, neither when they are named nor when it changes', async () => {
  await using subject = new SqliteSubject()
  await subject.foreign(`
    INSERT INTO notifications (id, audience, title) VALUES ('n', 'users', 'for one');
    INSERT INTO notification_recipients SELECT seq, '' FROM notifications UNION ALL SELECT seq, 'a' || char(0) FROM notifications
      UNION ALL SELECT seq, 'ada' FROM notifications;`)
  await subject.foreign(`UPDATE notifications SET title = 'for one still' WHERE id = 'n'`)
  const db = new Sqlite(subject.path)
  assert.deepEqual(db.prepare('SELECT DISTINCT audience FROM notification_deliveries').pluck().all(), ['user:ada'])
  db.close()
})

test('somebody who is named when it is due already gets it at once, and the others get it when the clock is looked at', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  const publishAt = Date.now() + 50
  const { notification } = await eyes.send({ users: ['ada', 'bob'] }, 'planned', { publishAt })
  await eventually(() => Date.now() > publishAt, 'it came due')
  await subject.foreign(`INSERT INTO notification_recipients SELECT seq, 'cy' FROM notifications WHERE id = '${notification.id}'`)
  await subject.store.tick(Date.now())
  for (const user of ['ada', 'bob', 'cy']) assert.deepEqual([user, await eyes.unread(user)], [user, 1])
})

test('what another process deletes while it is told of is not told, and the one before it is the latest', async (t) => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  for (const title of ['before', 'deleted']) await eyes.send('everyone', title)
  assert.equal(await eyes.unread('ada'), 2)
  const other = new Sqlite(subject.path)
  const latest = async () => (await subject.store.look([{ user: 'ada', seen: 0 }]))[0]?.latest?.title
  // In one moment the store looks only once for what others have done.
  const moment = performance.now()
  t.mock.method(performance, 'now', () => moment)
  await subject.store.look([{ user: 'bob', seen: Number.MAX_SAFE_INTEGER }])
  other.exec(`DELETE FROM notifications WHERE title = 'deleted'`)
  const told = latest()
  other.close()
  assert.equal(await told, 'before')
  t.mock.restoreAll()
  assert.deepEqual([await latest(), await eyes.unread('ada')], ['before', 1])
})

test('counts stay right when other processes write receipts, watermarks and recalls themselves', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`INSERT INTO notifications (audience, title) VALUES ('user:7', 'a'), ('everyone', 'b'), ('user:7', 'c'), ('topic:t', 'd')`)
  await subject.store.remember(person('7', ['t']))
  for (const [sql, unread] of [
    [`INSERT INTO notification_watermarks VALUES ('7', 2, 1000)`, 2],
    [`INSERT INTO notification_receipts (user_id, position) VALUES ('7', 1)`, 3],
    [`UPDATE notification_receipts SET read_at = 5`, 2],
    [`UPDATE notification_receipts SET read_at = NULL, archived_at = 6`, 2],
    [`DELETE FROM notification_receipts`, 2],
    [`INSERT OR REPLACE INTO notification_receipts VALUES ('7', 3, 1, NULL), ('7', 4, 1, NULL)`, 0],
    [`DELETE FROM notification_watermarks`, 2],
    [`UPDATE notifications SET recalled_at = datetime('now') WHERE title = 'a'`, 1],
    [`DELETE FROM notification_deliveries WHERE position = 2`, 0],
    [`DELETE FROM notifications`, 0],
  ] as const) {
    const risen = await eyes.risen(['7'], () => subject.foreign(sql))
    if (!sql.startsWith('DELETE FROM notification_deliveries')) assert.equal(await eyes.unread('7'), unread, sql)
    assert.ok(risen.length === 1 || sql === 'DELETE FROM notifications' || sql.includes('DELETE FROM notification_receipts'), sql)
  }
})

test('hundreds of thousands of foreign changes tell everybody instead of each', async () => {
  await using subject = new SqliteSubject()
  const heard = new Set<string>()
  subject.store.watch((changed) => {
    for (const audience of changed) heard.add(audience)
  })
  const other = new Sqlite(subject.path, { timeout: 10_000 })
  other.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO notifications (audience, title) SELECT 'user:' || i, 'x' FROM n`,
  )
  other.close()
  await eventually(() => heard.has('*'), 'everybody was told')
  assert.ok(heard.size < 1000)
  assert.equal(await new Eyes(subject).unread('20000'), 1)
})

test('whose connections are to end is told however many changes it stands among', async () => {
  await using subject = new SqliteSubject()
  const heard: string[] = []
  const ended: Ending[] = []
  subject.store.watch((changed, endings) => {
    heard.push(...changed)
    ended.push(...endings)
  })
  const other = new Sqlite(subject.path, { timeout: 10_000 })
  other.exec(`
    BEGIN IMMEDIATE;
    INSERT INTO notification_changes (audience, at) VALUES ('session:abc', 7);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000) INSERT INTO notification_changes (audience) SELECT 'user:' || i FROM n;
    INSERT INTO notification_changes (audience, at) VALUES ('signed-out:ada', 8);
    COMMIT`)
  other.close()
  await eventually(() => heard.includes('*'), 'everybody was told')
  const told = [
    { session: 'abc', at: 7 },
    { user: 'ada', at: 8 },
  ]
  assert.deepEqual([heard, ended], [['*'], told])
  await subject.store.announce({ session: 'later', at: 9 })
  assert.deepEqual([heard, ended], [['*'], [...told, { session: 'later', at: 9 }]])
})

test('a process of an older version, which does not say when, ends what is open as it is heard', async () => {
  await using subject = new SqliteSubject()
  const ended: Ending[] = []
  subject.store.watch((_changed, endings) => ended.push(...endings))
  const before = Date.now()
  await subject.foreign(`INSERT INTO notification_changes (audience) VALUES ('signed-out:ada'), ('session:abc')`)
  await eventually(() => ended.length === 2, 'both were told')
  assert.deepEqual(
    ended.map(({ at: _, ...whose }) => whose),
    [{ user: 'ada' }, { session: 'abc' }],
  )
  for (const { at } of ended) assert.ok(at >= before && at <= Date.now(), `${at} is not now`)
})

test('two stores on one database serve the same people', async () => {
  await using subject = new SqliteSubject()
  await using second = new SqliteSubject(() => subject.path)
  const heard: (string | Ending)[] = []
  second.store.watch((changed, endings) => heard.push(...changed, ...endings))
  const eyes = new Eyes(subject)
  await eyes.send({ user: 'ada' }, 'hi')
  await subject.store.announce({ session: 's', at: 7 })
  await eventually(() => heard.length === 2, 'the other store heard of it')
  assert.deepEqual(heard, ['user:ada', { session: 's', at: 7 }])
  assert.equal((await second.store.snapshot('ada')).unread, 1)
  assert.equal(second.store.epoch, subject.store.epoch)
})

test('old changes are forgotten in time, also where only others write, and nobody who looks misses a new one', async () => {
  await using subject = new SqliteSubject()
  const other = new Sqlite(subject.path, { timeout: 10_000 })
  other.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO notification_changes (audience) SELECT 'user:old' FROM n`,
  )
  const heard: string[] = []
  subject.store.watch((changed) => heard.push(...changed))
  const kept = () => other.prepare('SELECT count(*) FROM notification_changes').pluck().get() as number
  await eventually(() => kept() <= 20_100, 'old changes were forgotten')
  await new Eyes(subject).send({ user: 'bob' }, 'new')
  assert.equal(heard.at(-1), 'user:bob')
  assert.ok(kept() >= 10_000)
  other.close()
})

test('a seq that would leave none for others, or is not exact everywhere, is refused, and whoever sends goes on', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  for (const seq of ['9223372036854775807', '1750000000000000001', '0', '-5']) {
    await assert.rejects(subject.foreign(`INSERT INTO notifications (seq, audience, title) VALUES (${seq}, 'user:7', 'x')`), /seq of a notification/)
  }
  await subject.foreign(`INSERT INTO notifications (seq, audience, title) VALUES (4503599627370000, 'user:7', 'far away')`)
  await eyes.send({ users: ['7', '8'] }, 'to two')
  assert.deepEqual([await eyes.titles('7'), await eyes.titles('8')], [['to two', 'far away'], ['to two']])
})

test('a row that is replaced by its seq is another notification: whoever had the old one has it no more', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`INSERT OR REPLACE INTO notifications (seq, audience, title, expires_at) VALUES (1, 'user:7', 'for 7', '2100-01-01')`)
  const before = await subject.store.snapshot('7')
  await subject.foreign(`INSERT OR REPLACE INTO notifications (seq, audience, title) VALUES (1, 'user:8', 'secret for 8')`)
  const after = await subject.store.snapshot('7')
  assert.deepEqual([await eyes.titles('7'), after.unread, after.version > before.version], [[], 0, true])
  await subject.foreign(`INSERT OR REPLACE INTO notifications (seq, audience, title) VALUES (1, 'user:8', 'secret again')`)
  assert.deepEqual([await eyes.titles('8'), await eyes.unread('8')], [['secret again'], 1])
  assert.equal(await subject.store.tick(Date.now()), null)
})

test('a row that is kept where its seq is taken changes nothing, now and with the next', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(`INSERT INTO notifications (seq, audience, title, expires_at) VALUES (1, 'user:7', 'kept', '2100-01-01')`)
  await subject.foreign(`INSERT OR IGNORE INTO notifications (seq, audience, title) VALUES (1, 'user:8', 'ignored')`)
  await eyes.send({ user: '7' }, 'next')
  assert.deepEqual([await eyes.titles('7'), await eyes.titles('8')], [['next', 'kept'], []])
  assert.equal(await subject.store.tick(Date.now()), Date.parse('2100-01-01'))
})

test('an update cannot put one notification in the place of another', async () => {
  await using subject = new SqliteSubject()
  const eyes = new Eyes(subject)
  await subject.foreign(
    `INSERT INTO notifications (id, audience, title, idempotency_key) VALUES ('a', 'user:7', 'one', 'k'), ('b', 'user:7', 'two', 'l')`,
  )
  await assert.rejects(subject.foreign(`UPDATE OR REPLACE notifications SET id = 'a' WHERE id = 'b'`), /Another notification has this id/)
  await assert.rejects(subject.foreign(`UPDATE OR REPLACE notifications SET idempotency_key = 'k' WHERE id = 'b'`), /idempotency key/)
  await subject.foreign(`UPDATE notifications SET id = 'c', idempotency_key = NULL WHERE id = 'b'`)
  assert.deepEqual([await eyes.titles('7'), await eyes.unread('7')], [['two', 'one'], 2])
})
