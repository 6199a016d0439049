import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request, { type Test } from 'supertest'
import { Tokens } from '../../src/app/tokens.js'
import { startTestApp, type TestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'

const API = '/api/notifications'

describe('POST /api/notifications', () => {
  it('stores a notification, rings the bell, and says where its report is', async () => {
    await using app = await startTestApp()
    const { post, token } = await script(app)
    const [ada, admin] = [await app.signIn('ada'), await app.signIn('admin')]
    await using tab = await ada.openTab()
    const draft = {
      to: { user: 'ADA' },
      title: 'Build 7 is green',
      body: 'All of it',
      url: '/builds/7',
      level: 'success',
      category: 'ci',
      data: { build: 7 },
    }
    const { body, headers } = await post(draft).expect(201)
    await eventually(
      () => tab.state?.unread === 1,
      () => `the badge shows ${tab.state?.unread}`,
    )
    const { id, createdAt, ...stored } = body
    assert.equal(headers.location, `/admin/notifications/${id}`)
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000)
    const rest = { sender: `token:${token.id}`, publishAt: null, expiresAt: null, recalledAt: null }
    assert.deepEqual(stored, { ...draft, to: { user: 'ada' }, ...rest })
    assert.equal((await ada.inbox())[0]?.id, id)
    assert.match(await (await admin.get(headers.location ?? '')).text(), /the token ci/)
  })

  for (const [what, to, who] of [
    ['several people', { users: ['ada', 'bob', 'ada'] }, ['ada', 'bob']],
    ['a role', { topic: 'role:admin' }, ['admin']],
    ['everyone', 'everyone', ['ada', 'bob', 'admin']],
  ] as const) {
    it(`reaches ${what} and nobody else`, async () => {
      await using app = await startTestApp()
      const { post } = await script(app)
      const people = [await app.signIn('ada'), await app.signIn('bob'), await app.signIn('admin')]
      await post({ to, title: 'x' }).expect(201)
      const unread = await Promise.all(people.map(async (visitor) => (await visitor.state()).unread))
      assert.deepEqual(
        unread,
        ['ada', 'bob', 'admin'].map((name) => ((who as readonly string[]).includes(name) ? 1 : 0)),
      )
    })
  }

  for (const [to, column] of [
    ['everyone', 'created_at'],
    [{ topic: 'role:member' }, 'role_since'],
  ] as const) {
    it(`reaches those of whom ${column} is of the future, too, as the machine's clock was set back since`, async () => {
      await using app = await startTestApp()
      const { post } = await script(app)
      const { id } = await app.addUser('ada')
      app.context.database.prepare(`UPDATE users SET ${column} = ${column} + 7200000 WHERE id = ?`).run(id)
      const ada = await app.signIn('ada')
      await using tab = await ada.openTab()
      const { body } = await post({ to, title: 'Here you are' }).expect(201)
      await eventually(() => tab.state?.unread === 1, 'the tab shows 1')
      assert.deepEqual(
        (await ada.inbox()).map(({ title }) => title),
        ['Here you are'],
      )
      const admin = await app.signIn('admin')
      const { recipients } = await admin.getJson<{ recipients: number }>(`/admin/notifications/${body.id}`)
      assert.equal(recipients, to === 'everyone' ? 2 : 1)
    })
  }

  it('with a key that this token used before answers 200 and the same; with other content 409', async () => {
    await using app = await startTestApp()
    const { post } = await script(app)
    await app.addUser('ada')
    const draft = { to: { users: ['ada', 'admin'] }, title: 'Once', idempotencyKey: 'order-7' }
    const first = await post(draft).expect(201)
    const second = await post(draft).expect(200)
    assert.deepEqual(second.body, first.body)
    assert.equal(second.headers.location, first.headers.location)
    const conflict = await post({ ...draft, title: 'Other' }).expect(409)
    assert.equal(conflict.body.code, 'conflict')
    const other = await script(app)
    await other.post(draft).expect(201)
  })

  it('twenty times at once with one key makes one notification', async () => {
    await using app = await startTestApp()
    const { post } = await script(app)
    const answers = await Promise.all(Array.from({ length: 20 }, () => post({ to: 'everyone', title: 'Race', idempotencyKey: 'k' })))
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    assert.equal(answers.filter(({ status }) => status === 200).length, 19)
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
    assert.equal((await app.notifications.sent()).entries.length, 1)
  })

  it('without a token that opens it answers 401, and says how to ask', async () => {
    await using app = await startTestApp()
    const { token } = await script(app)
    const admin = await app.signIn('admin')
    for (const authorization of [
      '',
      'Bearer',
      'Bearer nope',
      `Basic ${token.token}`,
      `Bearer ${token.token}x`,
      token.token,
      `Bearer ${token.token} ${token.token}`,
    ]) {
      const answer = await request(app.url)
        .post(API)
        .set({ Authorization: authorization, Cookie: admin.cookie, Origin: app.url })
        .send({ to: 'everyone', title: 'x' })
      assert.equal(answer.status, 401, authorization)
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm="belfry"/)
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/)
    }
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('needs neither cookie nor origin, sets no cookie, and lets no origin stop it', async () => {
    await using app = await startTestApp()
    const { post } = await script(app)
    const answer = await post({ to: 'everyone', title: 'x' }).set({ Origin: 'https://elsewhere.example', 'Sec-Fetch-Site': 'cross-site' }).expect(201)
    assert.equal(answer.headers['set-cookie'], undefined)
  })

  for (const [what, draft, fields] of [
    ['an unknown user', { to: { user: 'zed' }, title: 'x' }, ['to']],
    ['an unknown user and no title', { to: { users: ['admin', 'zed'] } }, ['to', 'title']],
    ['an id where a username belongs', { to: { user: '1' }, title: 'x' }, ['to']],
    ['a number where a username belongs', { to: { user: 1 }, title: 'x' }, ['to']],
    ['an unknown topic', { to: { topic: 'role:owner' }, title: 'x' }, ['to']],
    ['nobody', { to: { users: [] }, title: 'x' }, ['to']],
    ['two audiences at once', { to: { user: 'admin', topic: 'role:admin' }, title: 'x' }, ['to']],
    ['no audience', { title: 'x' }, ['to']],
    ['a title that is no text', { to: 'everyone', title: ['x'] }, ['title']],
    ['a link that would run', { to: 'everyone', title: 'x', url: 'javascript:alert(1)' }, ['url']],
    ['an unknown level', { to: 'everyone', title: 'x', level: 'loud' }, ['level']],
    ['a time without an offset', { to: 'everyone', title: 'x', publishAt: '2040-01-01T10:00' }, ['publishAt']],
    ['a sender of its own choosing', { to: 'everyone', title: 'x', sender: 'user:1' }, ['sender']],
    ['a list', [], ['to']],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      await using app = await startTestApp()
      const { post } = await script(app)
      const { body, headers } = await post(draft).expect(422)
      assert.match(headers['content-type'] ?? '', /^application\/problem\+json/)
      assert.deepEqual(
        body.errors.map(({ field }: { field: string }) => field),
        fields,
      )
      assert.deepEqual((await app.notifications.sent()).entries, [])
    })
  }

  it('names who is disabled and which topics there are', async () => {
    await using app = await startTestApp()
    const { post } = await script(app)
    await app.context.accounts.disable(await app.addUser('bob'))
    assert.match((await post({ to: { user: 'bob' }, title: 'x' }).expect(422)).body.detail, /bob is disabled/)
    assert.match((await post({ to: { topic: 'staff' }, title: 'x' }).expect(422)).body.detail, /role:member and role:admin/)
  })

  it('is refused as malformed, too large or of the wrong type', async () => {
    await using app = await startTestApp()
    const { raw } = await script(app)
    for (const text of ['{', '7', 'null', '"everyone"', '{"to":"everyone",}']) {
      const { body } = await raw('application/json').send(text).expect(400)
      assert.equal(body.status, 400, text)
    }
    await raw('application/json')
      .send(JSON.stringify({ to: 'everyone', title: 'x', body: 'y'.repeat(600_000) }))
      .expect(413)
    await raw('application/x-www-form-urlencoded').send('to=everyone&title=x').expect(415)
    await raw('text/plain').send('{"to":"everyone","title":"x"}').expect(415)
    await raw('application/json').set('Content-Encoding', 'nonsense').send('{}').expect(415)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('survives data as deep as a body can be', async () => {
    await using app = await startTestApp()
    const { raw } = await script(app)
    const deep = `{"to":"everyone","title":"x","data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    assert.equal((await raw('application/json').send(deep)).status, 422)
  })

  it('writes to five thousand people by name', async () => {
    await using app = await startTestApp()
    const names = Array.from({ length: 5000 }, (_, n) => `a-rather-long-username-as-some-directories-have-them-${n}`)
    const insert = app.context.database.handle.prepare(
      `INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'x', 'member', 0, 0)`,
    )
    app.context.database.handle.transaction(() => {
      for (const name of names) insert.run(name)
    })()
    const { post } = await script(app)
    const { body } = await post({ to: { users: names }, title: 'x' }).expect(201)
    assert.deepEqual(body.to.users.length, 5000)
    await post({ to: { users: [...names, 'admin'] }, title: 'x' }).expect(422)
  })

  it('is all there is below /api', async () => {
    await using app = await startTestApp()
    const { body } = await request(app.url)
      .get(API)
      .expect(404)
      .expect('Content-Type', /problem\+json/)
    assert.equal(body.status, 404)
  })
})

async function script(app: TestApp) {
  const token = await new Tokens(app.context.database).add('ci', null)
  const raw = (type: string): Test =>
    request(app.url)
      .post(API)
      .set({ Authorization: `Bearer ${token.token}`, 'Content-Type': type })
  return { token, raw, post: (draft: unknown): Test => raw('application/json').send(JSON.stringify(draft)) }
}
