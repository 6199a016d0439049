import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import express from 'express'
import { type createNotifications, type Draft, type NotificationsOptions, OptionError, type Retention } from '../../src/notifications/index.js'
import { Pruner } from '../../src/notifications/retention.js'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { Folder, Served } from './served.js'

const DAY = 86_400_000

/** The plugin over a database that can be made to look as if days had passed since all that happened in it. */
function aging() {
  const db = new Sqlite(':memory:')
  const fake = fakeNotifications({ database: db })
  const pass = (days: number) => {
    const trigger = db.prepare(`SELECT sql FROM sqlite_master WHERE name = 'notification_delivery_moved'`).pluck().get() as string
    db.exec('DROP TRIGGER notification_delivery_moved')
    for (const [table, column] of TIMES) db.prepare(`UPDATE ${table} SET ${column} = ${column} - ? WHERE ${column} > 0`).run(days * DAY)
    db.exec(trigger)
  }
  return { db, fake, pass, [Symbol.asyncDispose]: () => fake.close().then(() => void db.close()) }
}

const TIMES = [
  ['notifications', 'created_at'],
  ['notifications', 'recalled_at'],
  ['notification_deliveries', 'published_at'],
  ['notification_deliveries', 'ended_at'],
  ['notification_receipts', 'read_at'],
  ['notification_receipts', 'archived_at'],
  ['notification_watermarks', 'at'],
] as const

describe('old notifications', () => {
  it('that were read go after their days, those that were not stay for theirs, and the counts follow', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    await using served = await Served.start(express(), (server) => fake.attach(server))
    const toAda = async (title: string) => (await fake.notify({ to: { user: 'ada' }, title })).id
    const [read, archived, , unread] = [await toAda('Read'), await toAda('Archived'), await toAda('Unread'), await toAda('Unread again')]
    await fake.markAsRead('ada', [read, unread])
    await fake.markAsUnread('ada', unread)
    await fake.archive('ada', archived)
    pass(31)
    const late = await toAda('Read now')
    await fake.markAsRead('ada', late)
    await using tab = await served.tab({ user: 'ada' })
    assert.deepEqual(await fake.prune({ readAfterDays: 30 }), { removed: 2, deleted: 2 })
    assert.deepEqual(
      (await fake.list('ada')).items.map(({ title }) => title),
      ['Read now', 'Unread again', 'Unread'],
    )
    assert.deepEqual((await fake.list('ada', { filter: 'archived' })).items, [])
    assert.equal(tab.state.unread, 2)
    assert.deepEqual(await fake.prune({ unreadAfterDays: 31 }), { removed: 2, deleted: 2 })
    await tab.unread(0)
    const { version } = await fake.state('ada')
    assert.deepEqual(await fake.prune({ readAfterDays: 1, unreadAfterDays: 1 }), { removed: 0, deleted: 0 })
    assert.equal((await fake.state('ada')).version, version, 'where nothing is old nothing changes')
  })

  it('that were read by marking all go by the time of that mark', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    for (const title of ['One', 'Two']) await fake.notify({ to: { user: 'ada' }, title })
    pass(31)
    await fake.markAllAsRead('ada', { upTo: (await fake.list('ada')).items[0]?.cursor ?? '' })
    assert.equal((await fake.prune({ readAfterDays: 30 })).removed, 0)
    pass(31)
    assert.equal((await fake.prune({ readAfterDays: 30 })).removed, 2)
  })

  it('for several go from each inbox in its own time, and from the database with the last', async () => {
    await using aged = aging()
    const { db, fake, pass } = aged
    const { id } = await fake.notify({ to: { users: ['ada', 'bo'] }, title: 'Both' })
    await fake.markAsRead('ada', id)
    pass(31)
    assert.deepEqual(await fake.prune({ readAfterDays: 30 }), { removed: 1, deleted: 0 })
    assert.deepEqual([(await fake.list('ada')).items.length, (await fake.list('bo')).items.length, await fake.unreadCount('bo')], [0, 1, 1])
    db.exec(`UPDATE notifications SET title = 'Both, in other words'`)
    assert.deepEqual((await fake.list('ada')).items, [], 'what went does not come back when it is changed for the others')
    await fake.markAsRead('bo', id)
    pass(31)
    assert.deepEqual(await fake.prune({ readAfterDays: 30 }), { removed: 1, deleted: 1 })
  })

  it('for everyone go when their unread time is over, with all that thousands did to them', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    const { id } = await fake.notify({ to: 'everyone', title: 'All' })
    const users = Array.from({ length: 1200 }, (_, n) => `user-${n}`)
    await Promise.all(users.map((user) => fake.markAsRead(user, id)))
    pass(31)
    assert.equal((await fake.prune({ readAfterDays: 30 })).removed, 0, 'a broadcast is one row for all who did not read it, too')
    pass(31)
    assert.deepEqual(await fake.prune({ unreadAfterDays: 30 }), { removed: 1, deleted: 1 })
    assert.deepEqual([await fake.unreadCount('user-1'), await fake.unreadCount('stranger')], [0, 0])
  })

  it('that expired or were taken back are deleted, and those on the schedule are never old', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    const recalled = await fake.notify({ to: { user: 'ada' }, title: 'Recalled' })
    await fake.recall(recalled.id)
    const unsent = await fake.notify({ to: 'everyone', title: 'Recalled before it was sent', publishAt: Date.now() + DAY })
    await fake.recall(unsent.id)
    const planned = await fake.notify({ to: { user: 'ada' }, title: 'Planned', publishAt: Date.now() + DAY })
    pass(31)
    assert.deepEqual(await fake.prune({ readAfterDays: 30 }), { removed: 0, deleted: 2 })
    assert.deepEqual(
      (await fake.sent()).entries.map(({ notification }) => notification.id),
      [planned.id],
    )
  })

  it('that were taken back stay for the days of what was read, with their reports and keys, however soon the unread go', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    const draft: Draft = { to: { users: ['ada', 'bo'] }, title: 'Recalled', idempotencyKey: 'k' }
    const recalled = await fake.notify(draft)
    await fake.recall(recalled.id)
    await fake.notify({ to: { user: 'ada' }, title: 'Unread' })
    pass(31)
    assert.deepEqual(await fake.prune({ readAfterDays: 365, unreadAfterDays: 30 }), { removed: 1, deleted: 1 })
    assert.equal((await fake.report(recalled.id)).status, 'recalled')
    assert.equal((await fake.notify(draft)).id, recalled.id)
    assert.deepEqual(await fake.prune({ unreadAfterDays: 30 }), { removed: 0, deleted: 0 }, 'what has no number is kept for good')
    pass(335)
    assert.deepEqual(await fake.prune({ readAfterDays: 365, unreadAfterDays: 30 }), { removed: 0, deleted: 1 })
  })

  it('that were taken back before they were sent, or had expired by then, go by when that was', async () => {
    await using aged = aging()
    const { db, fake, pass } = aged
    const planned = await fake.notify({ to: { user: 'ada' }, title: 'Planned', publishAt: Date.now() + 60 * DAY })
    pass(40)
    await fake.recall(planned.id)
    db.prepare(`INSERT INTO notifications (audience, title, created_at, expires_at) VALUES ('everyone', 'Too late', ?, ?)`).run(
      Date.now() - 40 * DAY,
      Date.now() - DAY,
    )
    assert.deepEqual(await fake.prune({ readAfterDays: 30, unreadAfterDays: 1 }), { removed: 0, deleted: 0 })
    assert.equal((await fake.report(planned.id)).status, 'recalled')
    pass(30)
    assert.deepEqual(await fake.prune({ readAfterDays: 30, unreadAfterDays: 1 }), { removed: 0, deleted: 1 })
    assert.deepEqual(await fake.prune({ readAfterDays: 0.5 }), { removed: 0, deleted: 1 })
  })

  it('take along when people marked them all as read; what is left says when it was read as before', async () => {
    await using aged = aging()
    const { db, fake, pass } = aged
    const marks = (user: string) => db.prepare('SELECT position FROM notification_watermarks WHERE user_id = ?').pluck().all(user)
    const readAt = async (title: string) => {
      const exported = (await fake.exportUser('ada')).notifications
      return exported.find((one) => one.title === title)?.readAt
    }
    const markAll = async (user: string) => fake.markAllAsRead(user, { upTo: (await fake.list(user)).items[0]?.cursor ?? '' })
    const people = Array.from({ length: 700 }, (_, n) => `user ${n}`)
    for (const round of ['first', 'second', 'third']) {
      if (round === 'second') await fake.notify({ to: 'everyone', title: 'To all' })
      await Promise.all(['ada', ...people].map((user) => fake.notify({ to: { user }, title: `The ${round}` })))
      await Promise.all(['ada', ...people].map(markAll))
      pass(10)
    }
    const [all, last] = [await readAt('To all'), await readAt('The third')]
    const { version, unread } = await fake.state('ada')
    assert.equal(marks('ada').length, 3)
    await fake.prune({ readAfterDays: 11 })
    assert.deepEqual(
      (await fake.list('ada')).items.map(({ title }) => title),
      ['The third', 'To all'],
    )
    assert.deepEqual([marks('ada').length, marks('user 0').length, marks('user 699').length], [2, 2, 2])
    assert.deepEqual([await readAt('To all'), await readAt('The third')], [all, last])
    assert.deepEqual([(await fake.state('ada')).version, unread], [version + 2, 0], 'two left, and no more than that happened')
    pass(1)
    await fake.prune({ readAfterDays: 11, unreadAfterDays: 1 })
    assert.equal(marks('ada').length, 1)
    assert.equal((await fake.state('ada')).unread, 0)
  })

  it('are pruned however many there are', async () => {
    await using aged = aging()
    const { fake, pass } = aged
    await Promise.all(Array.from({ length: 1700 }, (_, n) => fake.notify({ to: { user: n % 2 === 0 ? 'ada' : 'bo' }, title: `${n}` })))
    pass(31)
    await fake.notify({ to: { user: 'ada' }, title: 'New' })
    assert.deepEqual(await fake.prune({ unreadAfterDays: 30 }), { removed: 1700, deleted: 1700 })
    assert.deepEqual([await fake.unreadCount('ada'), await fake.unreadCount('bo')], [1, 0])
  })

  it('need a number of days that can be worked with', async () => {
    await using fake = fakeNotifications()
    const wrong: [unknown, RegExp][] = [
      [{}, /needs readAfterDays or unreadAfterDays/],
      [{ readAfterDays: 0 }, /readAfterDays must be a positive number of days/],
      [{ unreadAfterDays: '30' }, /unreadAfterDays must be a number of days/],
      [{ days: 30 }, /Retention is/],
      [undefined, /Retention is/],
    ]
    for (const [ages, message] of wrong) {
      await assert.rejects(fake.prune(ages as Retention), { name: OptionError.name, message })
      if (ages !== undefined) assert.throws(() => fakeNotifications({ retention: ages as Retention }), { name: OptionError.name, message })
    }
  })

  it('are pruned on a schedule: a minute after the start and every six hours, whatever goes wrong', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const said: string[] = []
    const say = (_details: object, message: string) => void said.push(message)
    let runs = 0
    const prune = async () => {
      runs++
      if (runs === 2) throw new Error('out')
      return { removed: runs, deleted: 0 }
    }
    const pruner = new Pruner({ prune, logger: { info: say, warn: say, error: say } })
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(59_999)
    assert.equal(runs, 0)
    t.mock.timers.tick(1)
    await settled()
    for (let n = 0; n < 2; n++) {
      t.mock.timers.tick(DAY / 4)
      await settled()
    }
    assert.deepEqual([runs, said], [3, ['old notifications were pruned', 'old notifications could not be pruned', 'old notifications were pruned']])
    pruner.close()
    t.mock.timers.tick(DAY)
    assert.equal(runs, 3)
  })
})

/** Ada and bo with a history, in a file that can be looked into. */
async function history(
  use: (at: { notifications: ReturnType<typeof createNotifications>; served: Served; dump: () => string }) => Promise<void>,
): Promise<void> {
  using folder = new Folder()
  const file = folder.file('history.db')
  const topicsOf: NotificationsOptions['topicsOf'] = (id) => ({ id, since: id === 'ada' ? 1000 : null, topics: ['role:editor'] })
  const notifications = fakeNotifications({ database: file, topicsOf })
  await using served = await Served.start(express(), (server) => notifications.attach(server), notifications)
  for (const user of ['ada', 'bo']) await notifications.refresh(user)
  const own = await notifications.notify({ to: { user: 'ada' }, title: 'Own' })
  await notifications.notify({ to: { users: ['ada', 'bo'] }, title: 'Both' })
  await notifications.notify({ to: { users: ['ada'] }, title: 'Named alone' })
  const all = await notifications.notify({ to: 'everyone', title: 'All', expiresAt: Date.now() + DAY })
  await notifications.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
  const back = await notifications.notify({ to: { user: 'ada' }, title: 'Taken back' })
  await notifications.notify({ to: { user: 'ada' }, title: 'Planned', publishAt: Date.now() + DAY })
  await notifications.notify({ to: { user: 'bo' }, title: 'From a friend', sender: 'ada', idempotencyKey: 'k' })
  await notifications.recall(back.id)
  await notifications.markAsRead('ada', own.id)
  await notifications.archive('ada', all.id)
  await notifications.markAsRead('bo', all.id)
  const db = new Sqlite(file, { readonly: true })
  const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'notification*'`).pluck().all() as string[]
  await use({ notifications, served, dump: () => JSON.stringify(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all())) })
  db.close()
}

describe('a user who asks what is known of them', () => {
  it('gets what was for them, what they read, their topics and what they sent, and nothing of others', () =>
    history(async ({ notifications }) => {
      const found = JSON.parse(JSON.stringify(await notifications.exportUser('ada'))) as Awaited<ReturnType<typeof notifications.exportUser>>
      assert.deepEqual([found.user, found.since, found.topics], ['ada', '1970-01-01T00:00:01.000Z', [{ name: 'role:editor', since: null }]])
      const told = found.notifications.map(({ title, audience, readAt, archivedAt, inInbox }) => [
        title,
        audience,
        readAt !== null,
        archivedAt !== null,
        inInbox,
      ])
      assert.deepEqual(told, [
        ['Own', 'user', true, false, true],
        ['Both', 'user', false, false, true],
        ['Named alone', 'user', false, false, true],
        ['All', 'everyone', true, true, true],
        ['Taken back', 'user', false, false, false],
      ])
      assert.deepEqual(
        found.sent.map(({ title }) => title),
        ['From a friend'],
      )
      assert.ok(!JSON.stringify(found).includes('"bo"'))
      assert.deepEqual(await notifications.exportUser('stranger'), { user: 'stranger', since: null, topics: [], notifications: [], sent: [] })
    }))
})

describe('a user who is erased', () => {
  it('is gone from every row, their tabs are closed, and nobody else notices', () =>
    history(async ({ notifications, served, dump }) => {
      await using ada = await served.tab({ user: { id: 'ada', topics: ['role:editor'] } })
      await using bo = await served.tab({ user: { id: 'bo', topics: ['role:editor'] } })
      const before = [(await notifications.list('bo')).items.map(({ title, state }) => [title, state]), bo.state.unread]
      assert.match(dump(), /\bada\b/)
      await notifications.eraseUser('ada')
      assert.equal(await ada.ended(), 4401)
      assert.doesNotMatch(dump(), /\bada\b/) // whole: random ids are hexadecimal and may spell it
      assert.doesNotMatch(dump(), /Own|Named alone|Taken back|Planned/)
      assert.deepEqual(
        [(await notifications.list('bo')).items.map(({ title, state }) => [title, state]), await notifications.unreadCount('bo')],
        before,
      )
      await notifications.notify({ to: { user: 'bo' }, title: 'Life goes on' })
      await bo.unread(bo.state.unread + 1)
      assert.deepEqual((await notifications.exportUser('ada')).notifications, [])
      await notifications.eraseUser('ada')
    }))

  it('may have had any number of notifications', async () => {
    await using fake = fakeNotifications()
    await Promise.all(Array.from({ length: 1300 }, (_, n) => fake.notify({ to: n % 3 === 0 ? 'everyone' : { users: ['ada', 'bo'] }, title: `${n}` })))
    const { items } = await fake.list('ada', { limit: 100 })
    await fake.archive(
      'ada',
      items.map(({ id }) => id),
    )
    const bo = await fake.unreadCount('bo')
    await fake.eraseUser('ada')
    assert.equal(await fake.unreadCount('bo'), bo)
    assert.deepEqual((await fake.exportUser('ada')).notifications, [])
  })
})
