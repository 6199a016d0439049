import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { InvalidError, MalformedError, NotFoundError, UnavailableError } from '../src/notifications/index.js'
import { fakeNotifications } from '../src/notifications/testing.js'

/** The plugin over a database in which ada has so many, written by somebody else. */
function inboxOf(count: number) {
  const database = new Sqlite(':memory:')
  const fake = fakeNotifications({ database })
  database
    .prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notifications (id, audience, title) SELECT 'n' || i, 'user:ada', 'x' FROM n`)
    .run(count)
  const ids = Array.from({ length: count }, (_, n) => `n${n + 1}`)
  return { fake, ids, [Symbol.asyncDispose]: () => fake.close().then(() => void database.close()) }
}

describe('marking several', () => {
  it('takes a thousand at once, and of more it says what to do and changes nothing', async () => {
    await using inbox = inboxOf(1001)
    const { fake, ids } = inbox
    for (const mark of [fake.markAsRead, fake.markAsUnread, fake.archive, fake.unarchive]) {
      await assert.rejects(mark('ada', ids), (error: unknown) => {
        assert.ok(error instanceof InvalidError)
        assert.deepEqual(error.errors, [
          { field: 'id', message: 'At most 1,000 notifications can be marked at once: mark them in several calls, or call markAllAsRead.' },
        ])
        return true
      })
    }
    assert.equal(await fake.unreadCount('ada'), 1001)
    assert.equal((await fake.markAsRead('ada', ids.slice(1))).unread, 1)
    assert.equal((await fake.archive('ada', ids.slice(1))).unread, 1)
  })

  it('tells once of those that were unread, in their order', async () => {
    await using inbox = inboxOf(3)
    const { fake } = inbox
    const told = new Promise((resolve) => fake.on('read', resolve))
    await fake.markAsUnread('ada', 'n2')
    await fake.archive('ada', ['n3', 'gone', 'n1', 'n3'])
    assert.deepEqual(await told, { user: 'ada', ids: ['n3', 'n1'] })
  })
})

describe('a page of an inbox', () => {
  it('is of one category, and of none that an address names twice', async () => {
    await using fake = fakeNotifications()
    for (const category of [['news', 'sport'], { is: 'news' }, true]) {
      await assert.rejects(fake.list('ada', { category: category as unknown as string }), (error: unknown) => {
        assert.ok(error instanceof MalformedError)
        assert.deepEqual(error.errors, [{ field: 'category', message: 'The category must be text.' }])
        return true
      })
    }
  })
})

describe('the id of a notification', () => {
  it('is text, so there is none of anything else, whatever a script has sent as one', async () => {
    await using fake = fakeNotifications()
    for (const sent of [{}, { $ne: '' }, ['x'], true, 7, null, undefined]) {
      const id = sent as unknown as string
      for (const asked of [() => fake.get('ada', id), () => fake.recall(id), () => fake.report(id), () => fake.readers(id)])
        await assert.rejects(asked, NotFoundError)
    }
  })
})

describe('what was sent', () => {
  it('is told with where it stands, and with nothing of how it is stored', async () => {
    await using fake = fakeNotifications()
    const { replayed, ...notification } = await fake.notify({ to: { users: ['ada', 'bo'] }, title: 'x' })
    assert.equal(replayed, false)
    const entry = { notification, status: 'published', recipients: 2, read: 0 }
    assert.deepEqual((await fake.sent()).entries, [entry])
    assert.deepEqual(await fake.report(notification.id), entry)
  })
})

describe('the readers of what was sent', () => {
  it('are asked for by a whole number up to five thousand, a hundred unless told', async () => {
    await using fake = fakeNotifications()
    const users = Array.from({ length: 101 }, (_, n) => `user-${n}`)
    const { id } = await fake.notify({ to: { users }, title: 'x' })
    assert.deepEqual([(await fake.readers(id)).length, (await fake.readers(id, { limit: 5000 })).length], [100, 101])
    for (const limit of [0, -1, 2.5, 5001, Number.NaN, Number.POSITIVE_INFINITY, '7']) {
      await assert.rejects(fake.readers(id, { limit: limit as number }), {
        name: MalformedError.name,
        message: 'The limit must be a whole number from 1 to 5,000.',
      })
    }
  })

  it('come with the time at which each read it, as every time is written, and without one where somebody has not', async () => {
    await using fake = fakeNotifications()
    const { id } = await fake.notify({ to: { users: ['ada', 'bo'] }, title: 'x' })
    await fake.markAsRead('ada', id)
    const [item] = (await fake.list('ada')).items
    assert.match(item?.readAt ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepEqual(await fake.readers(id), [
      { user: 'ada', readAt: item?.readAt },
      { user: 'bo', readAt: null },
    ])
  })

  it('of what was never sent are nobody, and the host is told so', async () => {
    await using fake = fakeNotifications()
    await assert.rejects(fake.readers('no-such'), { name: NotFoundError.name })
  })
})

describe('a host that does not say what topics somebody is in', () => {
  it('has five seconds, then whoever asked is told, and nothing waits for ever', async (t) => {
    await using fake = fakeNotifications({ topicsOf: () => new Promise(() => {}) })
    const { id } = await fake.notify({ to: { user: 'ada' }, title: 'x' })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const asked = [fake.refresh('ada'), fake.state('ada'), fake.unreadCount('ada'), fake.list('ada'), fake.get('ada', id), fake.markAsRead('ada', id)]
    const told = Promise.all(asked.map((one) => assert.rejects(one, { name: UnavailableError.name, status: 503, message: /did not say in time/ })))
    t.mock.timers.tick(5000)
    await told
  })
})
