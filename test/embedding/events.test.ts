import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import express from 'express'
import { createNotifications, type EventName, type NotificationEvents, OptionError } from '../../src/notifications/index.js'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { eventually } from '../helpers/eventually.js'
import { Folder, Served, sessions } from './served.js'

/** Everything that a host can hear, as it hears it. */
function ear(notifications: { on: ReturnType<typeof fakeNotifications>['on'] }) {
  const heard: { [E in EventName]: { readonly event: E; readonly told: NotificationEvents[E] } }[EventName][] = []
  for (const event of ['created', 'read', 'recalled', 'connected', 'disconnected'] as const) {
    notifications.on(event, (told) => heard.push({ event, told } as (typeof heard)[number]))
  }
  return {
    heard,
    names: () => heard.map(({ event }) => event),
    until: (names: readonly EventName[]) =>
      eventually(
        () => heard.length >= names.length,
        () => `heard only ${heard.map((h) => h.event)}`,
      ).then(() =>
        assert.deepEqual(
          heard.map((h) => h.event),
          names,
        ),
      ),
  }
}

describe('a host that listens', () => {
  it('hears of what was sent, read and taken back, once each, and not of what changed nothing', async () => {
    await using fake = fakeNotifications()
    const { heard, until } = ear(fake)
    const one = await fake.notify({ to: { user: 'ada' }, title: 'One', idempotencyKey: 'k' })
    await fake.notify({ to: { user: 'ada' }, title: 'One', idempotencyKey: 'k' })
    const two = await fake.notify({ to: { user: 'ada' }, title: 'Two' })
    const { items } = await fake.list('ada')
    await fake.markAsRead('ada', one.id)
    await fake.markAsRead('ada', [one.id])
    await fake.markAsUnread('ada', one.id)
    await fake.archive('ada', one.id)
    await fake.markAllAsRead('ada', { upTo: items[0]?.cursor ?? '' })
    await fake.markAllAsRead('ada', { upTo: items[0]?.cursor ?? '' })
    await fake.recall(two.id)
    await fake.recall(two.id)
    await fake.notify({ to: { user: 'bo' }, title: 'The end' })
    await until(['created', 'created', 'read', 'read', 'read', 'recalled', 'created'])
    assert.deepEqual(
      heard.filter((h) => h.event === 'read').map((h) => h.told),
      [
        { user: 'ada', ids: [one.id] },
        { user: 'ada', ids: [one.id] },
        { user: 'ada', upTo: items[0]?.cursor },
      ],
    )
    const recalled = heard.find((h) => h.event === 'recalled')
    assert.deepEqual([recalled?.told.id, recalled?.told.recalledAt === null], [two.id, false])
  })

  it('hears who came and who went, with how many connections they have', async () => {
    const fake = fakeNotifications()
    await using served = await Served.start(express(), (server) => fake.attach(server), fake)
    const { heard, until } = ear(fake)
    await using first = await served.tab({ user: 'ada' })
    await using second = await served.tab({ user: 'ada' })
    await second.close()
    await until(['connected', 'connected', 'disconnected'])
    await first.close()
    await until(['connected', 'connected', 'disconnected', 'disconnected'])
    assert.deepEqual(
      heard.map((h) => h.told),
      [1, 2, 1, 0].map((connections) => ({ user: 'ada', connections })),
    )
  })

  it('hears of a visit that reads', async () => {
    const { middleware, signIn } = sessions()
    const fake = fakeNotifications({ session: middleware, identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }) })
    await using served = await Served.start(express().use(middleware).use(fake.basePath, fake.router()), undefined, fake)
    const { heard, until } = ear(fake)
    const { id } = await fake.notify({ to: { user: 'ada' }, title: 'One' })
    const cookie = await signIn('ada')
    for (let n = 0; n < 2; n++) assert.equal((await served.get(`/notifications/${id}`, cookie)).status, 200)
    await until(['created', 'read'])
    assert.deepEqual(heard[1]?.told, { user: 'ada', ids: [id] })
  })

  it('cannot break or hold up what it hears of; what it throws is logged', async () => {
    const errors: string[] = []
    const logger = { info() {}, warn() {}, error: (details: object) => void errors.push(String(Reflect.get(details, 'err'))) }
    await using fake = fakeNotifications({ logger })
    fake.on('created', () => {
      throw new Error('thrown')
    })
    fake.on('created', () => Promise.reject(new Error('rejected')))
    fake.on('created', () => new Promise<never>(() => {}))
    const { until } = ear(fake)
    await fake.notify({ to: { user: 'ada' }, title: 'One' })
    assert.equal(await fake.unreadCount('ada'), 1)
    await until(['created'])
    await eventually(
      () => errors.length === 2,
      () => `logged ${errors}`,
    )
    assert.deepEqual(errors.toSorted(), ['Error: rejected', 'Error: thrown'])
  })

  for (const [what, fail] of [
    [
      'throws',
      () => {
        throw new Error('the disk is full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ] as const)
    it(`loses no more than a line where its own logger ${what}`, async (t) => {
      const said: string[] = []
      t.mock.method(console, 'error', (message: string) => void said.push(message))
      await using fake = fakeNotifications({ logger: { info: fail, warn: fail, error: fail } })
      fake.on('created', () => {
        throw new Error('thrown')
      })
      await fake.notify({ to: { user: 'ada' }, title: 'One' })
      await eventually(
        () => said.length === 1,
        () => `said ${said}`,
      )
      assert.deepEqual(said, ["belfry: the logger failed at: a listener for 'created' failed"])
      await fake.notify({ to: { user: 'ada' }, title: 'Two' })
      assert.equal(await fake.unreadCount('ada'), 2)
    })

  it('can stop listening', async () => {
    await using fake = fakeNotifications()
    const titles: string[] = []
    const stop = fake.on('created', ({ title }) => titles.push(title))
    const { until } = ear(fake)
    await fake.notify({ to: { user: 'ada' }, title: 'One' })
    await until(['created'])
    stop()
    stop()
    await fake.notify({ to: { user: 'ada' }, title: 'Two' })
    await until(['created', 'created'])
    assert.deepEqual(titles, ['One'])
  })

  it('hears of them in the order in which they were stored and recalled, whomever they are for', async () => {
    using folder = new Folder()
    const db = new Sqlite(folder.file('host.db'))
    const notifications = createNotifications({ database: db, session: (_req, _res, next) => next(), identify: () => null })
    const titles: string[] = []
    for (const event of ['created', 'recalled'] as const) notifications.on(event, ({ title }) => titles.push(title))
    const sent = Array.from({ length: 30 }, (_, n) => `${n}`)
    const stored = await Promise.all(sent.map((title, n) => notifications.notify({ to: n % 2 === 0 ? 'everyone' : { user: 'ada' }, title })))
    const heard = (count: number) =>
      eventually(
        () => titles.length === count,
        () => `heard of ${titles}`,
      )
    await heard(30)
    await Promise.all(stored.map(({ id }) => notifications.recall(id)))
    await heard(60)
    assert.deepEqual(titles, [...sent, ...sent])
    await notifications.close()
    db.close()
  })

  it('hears once of what two take back at the same moment, and of nothing read where only something came', async () => {
    await using fake = fakeNotifications()
    const { heard, until } = ear(fake)
    const one = await fake.notify({ to: { user: 'ada' }, title: 'One' })
    const { items } = await fake.list('ada')
    const upTo = items[0]?.cursor ?? ''
    await fake.markAllAsRead('ada', { upTo })
    await Promise.all([
      fake.notify({ to: { user: 'ada' }, title: 'Two' }),
      fake.notify({ to: { user: 'ada' }, title: 'Three' }),
      fake.markAllAsRead('ada', { upTo }),
    ])
    await Promise.all([fake.recall(one.id), fake.recall(one.id)])
    await fake.notify({ to: { user: 'bo' }, title: 'The end' })
    await until(['created', 'read', 'created', 'created', 'recalled', 'created'])
    assert.equal(heard.filter(({ event }) => event === 'read').length, 1)
  })

  it('is told in a sentence that there is no such event', async () => {
    await using fake = fakeNotifications()
    const named = (name: string) => () => fake.on(name as EventName, () => {})
    assert.throws(named('sent'), {
      name: OptionError.name,
      message: "There is no event 'sent': on takes created, read, recalled, connected, disconnected.",
    })
    assert.throws(named('toString'), OptionError)
  })

  it('hears of one inside its own transaction after the commit, and of none that was rolled back', async () => {
    using folder = new Folder()
    const db = new Sqlite(folder.file('host.db'))
    const notifications = createNotifications({ database: db, session: (_req, _res, next) => next(), identify: () => null })
    const titles: string[] = []
    notifications.on('created', ({ title }) => titles.push(title))
    db.transaction(() => void notifications.notify({ to: { user: 'ada' }, title: 'Committed' }))()
    const broken = db.transaction(() => {
      void notifications.notify({ to: { user: 'ada' }, title: 'Rolled back' })
      throw new Error('no')
    })
    assert.throws(broken, /no/)
    db.exec('BEGIN')
    await notifications.notify({ to: { user: 'ada' }, title: 'By hand' })
    await notifications.state('ada')
    assert.ok(!titles.includes('By hand'), 'not before its commit')
    db.exec('COMMIT')
    await notifications.notify({ to: { user: 'ada' }, title: 'Last' })
    await eventually(
      () => titles.length >= 3,
      () => `heard of ${titles}`,
    )
    assert.deepEqual(titles.toSorted(), ['By hand', 'Committed', 'Last'])
    await notifications.close()
    db.close()
  })
})
