import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import express from 'express'
import request from 'supertest'
import { createNotifications, InvalidError, type Notifications } from '../../src/notifications/index.js'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { Served, sessions } from './served.js'

/** A piece of a host, as its own tests would meet it. */
async function publishComment(
  notifications: Pick<Notifications, 'notify'>,
  { post, by, to }: { post: number; by: string; to: string },
): Promise<void> {
  if (by !== to) await notifications.notify({ to: { user: to }, title: `${by} commented`, url: `/posts/${post}`, category: 'comments' })
}

const sentence = (part: RegExp) => ({ name: 'AssertionError', message: part })

describe('a host that tests what it sends', () => {
  it('asks whether somebody was sent something that fits, by text, pattern or function', async () => {
    await using fake = fakeNotifications()
    await publishComment(fake, { post: 1, by: 'bo', to: 'ada' })
    fake.assertSentTo({ user: 'ada' })
    fake.assertSentTo({ user: 'ada' }, { title: 'bo commented', url: '/posts/1', level: 'info' })
    fake.assertSentTo({ user: 'ada' }, { title: /^bo/ })
    assert.throws(() => fake.assertSentTo({ user: 'ada' }, { title: /^cy/ }), sentence(/was sent to user ada/))
    assert.throws(() => fake.assertSentTo({ user: 'ada' }, () => false), sentence(/^Nothing that the function accepts was sent to user ada/))
    fake.assertSentTo({ user: 'ada' }, ({ category }) => category === 'comments')
  })

  it('is told in a sentence what was sent instead', async () => {
    await using fake = fakeNotifications()
    await publishComment(fake, { post: 1, by: 'bo', to: 'ada' })
    await fake.notify({ to: 'everyone', title: 'Closed on Monday' })
    assert.throws(
      () => fake.assertSentTo({ user: 'cy' }, { title: /commented/, url: '/posts/2' }),
      sentence(
        /^Nothing with title \/commented\/ and url '\/posts\/2' was sent to user cy\. What was sent:\n {2}1\. to user ada: 'bo commented' \(\/posts\/1\)\n {2}2\. to everyone: 'Closed on Monday'$/,
      ),
    )
    fake.forget()
    assert.throws(() => fake.assertSentTo({ user: 'cy' }), sentence(/^Nothing was sent to user cy\. Nothing was sent at all\.$/))
  })

  it('counts somebody as addressed by name only: not by a topic or everyone', async () => {
    await using fake = fakeNotifications()
    await fake.notify({ to: { users: ['ada', 'bo'] }, title: 'Two' })
    await fake.notify({ to: { topic: 'role:editor' }, title: 'Editors' })
    await fake.notify({ to: 'everyone', title: 'All' })
    fake.assertSentTo({ user: 'bo' }, { title: 'Two' })
    fake.assertSentTo({ users: ['bo', 'ada'] }, { title: 'Two' })
    fake.assertSentTo({ topic: 'role:editor' }, { title: 'Editors' })
    fake.assertSentTo('everyone', { title: 'All' })
    fake.assertNotSentTo({ user: 'ada' }, { title: 'All' })
    fake.assertNotSentTo({ topic: 'role:admin' })
    assert.throws(() => fake.assertSentTo({ users: ['ada', 'cy'] }), sentence(/was sent to user cy\./))
    assert.throws(() => fake.assertNotSentTo({ users: ['cy', 'bo'] }), sentence(/was to be sent to user bo, but it was\./))
  })

  it('counts, and sees that nothing was sent', async () => {
    await using fake = fakeNotifications()
    await publishComment(fake, { post: 1, by: 'ada', to: 'ada' })
    fake.assertNothingSent()
    await publishComment(fake, { post: 1, by: 'bo', to: 'ada' })
    await publishComment(fake, { post: 2, by: 'bo', to: 'ada' })
    fake.assertCount(2)
    fake.assertSentTimes(1, { url: '/posts/2' })
    assert.deepEqual(
      fake.notified.map(({ url }) => url),
      ['/posts/1', '/posts/2'],
    )
    assert.throws(() => fake.assertNothingSent(), sentence(/^No notification should have been sent\. What was sent:/))
    assert.throws(() => fake.assertCount(1), sentence(/^One notification should have been sent\./))
    assert.throws(() => fake.assertSentTimes(3, { title: /bo/ }), sentence(/^3 notifications with title \/bo\/ should have been sent, but 2 fit\./))
  })

  it('is refused what the real one refuses, and a key that was used counts once', async () => {
    await using fake = fakeNotifications()
    await assert.rejects(fake.notify({ to: { user: 'ada' }, title: '' }), InvalidError)
    for (let n = 0; n < 3; n++) await fake.notify({ to: { user: 'ada' }, title: 'Once', idempotencyKey: 'order-1' })
    fake.assertCount(1)
    assert.equal(await fake.unreadCount('ada'), 1)
  })
})

describe('a host that tests one router of its own, in an app without sessions', () => {
  const routes = (notifications: Notifications) =>
    express
      .Router()
      .use(notifications.middleware())
      .use('/notifications', notifications.router())
      .post('/comments', async (_req, res) => {
        await publishComment(notifications, { post: 1, by: 'bo', to: 'ada' })
        res.send(`sent${res.locals.notifications.bell()}`)
      })

  it('has nobody there, and no bell', async () => {
    await using fake = fakeNotifications()
    const app = express().use(routes(fake))
    await request(app).post('/comments').expect(200, 'sent')
    fake.assertSentTo({ user: 'ada' }, { title: 'bo commented' })
    await request(app).get('/notifications').set('Accept', 'application/json').expect(401)
  })

  it('says by identify who is there', async () => {
    await using fake = fakeNotifications({ identify: (req) => ({ id: req.get('x-user') ?? 'nobody' }) })
    const app = express().use(routes(fake))
    assert.match((await request(app).post('/comments').set('x-user', 'ada').expect(200)).text, /^sent<notification-bell unread="0"/)
    const { body } = await request(app).get('/notifications').set('Accept', 'application/json').set('x-user', 'ada').expect(200)
    assert.equal(body.items[0].title, 'bo commented')
  })
})

describe('a tab that a test opens', () => {
  it('belongs to the user that the test names, and shows what a badge would show', async () => {
    const fake = fakeNotifications()
    await using served = await Served.start(express(), (server) => fake.attach(server), fake)
    await using ada = await served.tab({ user: 'ada' })
    await using editor = await served.tab({ user: { id: 'bo', topics: ['role:editor'] } })
    await fake.notify({ to: { user: 'ada' }, title: 'Hello' })
    await fake.notify({ to: { topic: 'role:editor' }, title: 'Please read' })
    await ada.unread(1)
    await editor.unread(1)
    assert.deepEqual([ada.badge, ada.arrived[0]?.title, editor.arrived[0]?.title], ['1', 'Hello', 'Please read'])
    await fake.disconnect({ user: 'ada' })
    assert.equal(await ada.ended(), 4401)
  })

  it('works on a real host with the cookie of a session', async () => {
    const { middleware, signIn } = sessions()
    const identify = (req: express.Request) => (req.session.user === undefined ? null : { id: req.session.user })
    const notifications = createNotifications({ database: ':memory:', session: middleware, identify })
    await using served = await Served.start(express(), (server) => notifications.attach(server), notifications)
    await using tab = await served.tab({ cookie: await signIn('ada') })
    await notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    await tab.unread(1)
    await assert.rejects(served.tab({ cookie: 'connect.sid=nonsense' }), /refused the socket with 401: nobody is signed in/)
    await assert.rejects(served.tab({ user: 'ada' }), /`user` works where fakeNotifications is attached/)
    await assert.rejects(served.tab({ user: 'ada', origin: 'https://elsewhere.example' }), /403: the origin is not allowed/)
    await assert.rejects(served.tab({ user: 'ada', basePath: '/elsewhere' }), /404: nothing listens there/)
  })

  it('says what it saw when the count does not come, or the connection ends', async () => {
    const fake = fakeNotifications()
    await using served = await Served.start(express(), (server) => fake.attach(server), fake)
    await using tab = await served.tab({ user: 'ada' })
    await fake.notify({ to: { user: 'ada' }, title: 'One' })
    await tab.unread(1)
    await assert.rejects(tab.unread(7, { within: 20 }), sentence(/^The badge should show 7 unread, but it showed 0, then 1\.$/))
    await assert.rejects(tab.ended({ within: 20 }), sentence(/should have ended the connection within 20 ms, but it is open/))
    await fake.disconnect({ user: 'ada' })
    await assert.rejects(tab.unread(7), sentence(/and the connection was closed with 4401/))
  })

  it('knows its pages too: the helper for templates says who is there', async () => {
    const { middleware, signIn } = sessions()
    await using fake = fakeNotifications({
      session: middleware,
      identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
    })
    const app = express().use(middleware, fake.middleware())
    app.get('/', (_req, res) => void res.send(res.locals.notifications.bell()))
    await using served = await Served.start(app)
    await fake.notify({ to: { user: 'ada' }, title: 'Hello' })
    assert.match(await (await served.get('/', await signIn('ada'))).text(), /unread="1"/)
  })
})
