import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { fieldErrors, formValues } from '../helpers/forms.js'
import { Visitor } from '../helpers/visitor.js'

const USERS = '/admin/users'
const LAST_ADMIN = /last admin who can sign in/

interface UserJson {
  readonly id: number
  readonly username: string
  readonly role: string
  readonly disabledAt: string | null
}

describe('the list of people', () => {
  it('and all that changes them is for admins', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const id = await idOf(app, 'ada')
    const changes = [USERS, `${USERS}/${id}/role`, `${USERS}/${id}/password`, `${USERS}/${id}/disable`, `${USERS}/${id}/enable`]
    assert.equal((await ada.get(USERS)).status, 403)
    await request(app.url).get(USERS).expect(303)
    for (const path of changes) {
      assert.equal((await ada.post(path, { form: { role: 'admin', username: 'x', password: 'yyyyyyyy' } })).status, 403, path)
      await request(app.url).post(path).set({ Accept: 'application/json', Origin: app.url }).expect(401)
    }
    assert.equal((await app.context.users.byId(id))?.role, 'member')
  })

  it('finds people by a part of their name, and shows what was looked for as text', async () => {
    await using app = await startTestApp()
    for (const name of ['ada', 'adalbert', 'bob']) await app.addUser(name)
    const admin = await app.signIn('admin')
    const { items } = await admin.getJson<{ items: UserJson[] }>(`${USERS}?search=ADA`)
    assert.deepEqual(
      items.map(({ username }) => username),
      ['ada', 'adalbert'],
    )
    const page = await (await admin.get(`${USERS}?search=${encodeURIComponent('"><script>')}`)).text()
    assert.doesNotMatch(page, /<script>"|"><script>/)
    assert.match(page, /Nobody&#39;s name|Nobody's name/)
  })

  it('goes on in pages when it is long, each person once', async () => {
    await using app = await startTestApp()
    const names = Array.from({ length: 119 }, (_, n) => `user-${String(n).padStart(3, '0')}`)
    const insert = app.context.database.handle.prepare(
      `INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'x', 'member', 0, 0)`,
    )
    for (const name of names) insert.run(name)
    const admin = await app.signIn('admin')
    const seen: string[] = []
    let path: string | undefined = USERS
    while (path !== undefined) {
      const page: string = await (await admin.get(path)).text()
      seen.push(...[...page.matchAll(/<strong class="wrap">([^<]+)</g)].map(([, name]) => name ?? ''))
      path = /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    }
    assert.deepEqual(seen, ['admin', ...names])
  })

  it('refuses limits and repetitions that mean nothing', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const query of ['limit=0', 'limit=x', 'search=a&search=b', 'after=a&after=b'])
      assert.equal((await admin.get(`${USERS}?${query}`)).status, 400, query)
  })
})

describe('adding somebody', () => {
  it('lets them sign in', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const answer = await admin.post(USERS, { form: { username: 'ada', password: 'correct horse', role: 'member' } })
    assert.equal(answer.status, 303)
    assert.match(answer.headers.get('location') ?? '', /^\/admin\/users/)
    await Visitor.signedIn(app.url, 'ada', 'correct horse')
  })

  it('tells a script who was added, without the password', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { status, body } = await admin.postJson<UserJson>(USERS, { username: 'ada', password: 'correct horse', role: 'admin' })
    assert.equal(status, 201)
    assert.deepEqual({ ...body, createdAt: null }, { id: await idOf(app, 'ada'), username: 'ada', role: 'admin', createdAt: null, disabledAt: null })
  })

  for (const [what, form, wrong] of [
    ['a name that is taken, in any case', { username: 'ADMIN', password: PASSWORD, role: 'member' }, ['username']],
    ['a name of digits alone', { username: '123', password: PASSWORD, role: 'member' }, ['username']],
    ['a name with other characters', { username: 'a<b>', password: PASSWORD, role: 'member' }, ['username']],
    ['no name', { username: ' ', password: PASSWORD, role: 'member' }, ['username']],
    ['an endless password', { username: 'ada', password: 'x'.repeat(201), role: 'member' }, ['password']],
    ['no such role', { username: 'ada', password: PASSWORD, role: 'owner' }, ['role']],
    ['everything wrong', { username: '', password: '', role: '' }, ['password', 'role', 'username']],
  ] as const) {
    it(`is refused with ${what}: the message is beside the field, and the name is kept`, async () => {
      await using app = await startTestApp()
      const admin = await app.signIn('admin')
      const answer = await admin.post(USERS, { form })
      const page = await answer.text()
      assert.equal(answer.status, 422)
      assert.deepEqual(Object.keys(fieldErrors(page)).toSorted(), wrong)
      const kept = formValues(page, USERS)
      assert.deepEqual([kept.username, kept.password], [form.username.trim(), ''])
      assert.equal((await app.context.users.list({ limit: 10 })).length, 1)
    })
  }

  it('is refused where a field comes twice', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const body = 'username=a&username=b&password=12345678&role=member'
    await request(app.url).post(USERS).set({ Cookie: admin.cookie, Origin: app.url }).type('form').send(body).expect(400)
  })
})

describe('changing somebody', () => {
  it('to another role reaches open sockets at once: what the new role had before is not theirs, what comes now is', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    await app.notifications.notify({ to: { topic: 'role:member' }, title: 'For members' })
    await using tab = await ada.openTab()
    await eventually(
      () => tab.state?.unread === 1,
      () => `the badge shows ${tab.state?.unread}`,
    )
    const answer = await admin.post(`${USERS}/${await idOf(app, 'ada')}/role`, { form: { role: 'admin' } })
    assert.equal(answer.status, 303)
    await eventually(
      () => tab.state?.unread === 0,
      () => `the badge shows ${tab.state?.unread}`,
    )
    await app.notifications.notify({ to: { topic: 'role:admin' }, title: 'For admins' })
    await eventually(
      () => tab.state?.unread === 1,
      () => `the badge shows ${tab.state?.unread}`,
    )
    assert.equal((await ada.get(USERS)).status, 200)
  })

  for (const [what, change] of [
    ['disabled', { path: 'disable', form: {} }],
    ['given a new password', { path: 'password', form: { password: 'another password' } }],
  ] as const) {
    it(`who is ${what} loses sessions and sockets within a second`, async () => {
      await using app = await startTestApp()
      const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
      await using tab = await ada.openTab()
      const began = performance.now()
      assert.equal((await admin.post(`${USERS}/${await idOf(app, 'ada')}/${change.path}`, { form: change.form })).status, 303)
      await eventually(
        () => tab.closed !== undefined,
        () => 'the socket is open',
      )
      assert.ok(performance.now() - began < 1000)
      assert.equal(tab.closed, 4401)
      assert.equal((await ada.get('/notifications/unread', { accept: 'application/json' })).status, 401)
      assert.equal((await new Visitor(app.url).post('/login', { form: { username: 'ada', password: PASSWORD } })).status, 401)
      if (change.path === 'password') await Visitor.signedIn(app.url, 'ada', change.form.password)
    })
  }

  it('who is enabled again can sign in and sees what was sent to groups meanwhile; the old cookie stays dead', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    const id = await idOf(app, 'ada')
    await admin.post(`${USERS}/${id}/disable`)
    await app.notifications.notify({ to: 'everyone', title: 'Meanwhile' })
    const { status, body } = await admin.postJson<UserJson>(`${USERS}/${id}/enable`, {})
    assert.deepEqual([status, body.disabledAt], [200, null])
    assert.equal((await ada.get('/notifications/unread', { accept: 'application/json' })).status, 401)
    assert.equal((await (await Visitor.signedIn(app.url, 'ada', PASSWORD)).state()).unread, 1)
  })

  it('twice is fine', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    await app.addUser('ada')
    const id = await idOf(app, 'ada')
    for (const path of ['disable', 'disable', 'enable', 'enable']) assert.equal((await admin.post(`${USERS}/${id}/${path}`)).status, 303, path)
  })

  for (const [path, form] of [
    ['disable', {}],
    ['role', { role: 'member' }],
  ] as const) {
    it(`never takes the last admin (${path})`, async () => {
      await using app = await startTestApp()
      const admin = await app.signIn('admin')
      const other = await app.addUser('other', 'admin')
      await app.context.accounts.disable(other)
      const id = await idOf(app, 'admin')
      const answer = await admin.post(`${USERS}/${id}/${path}`, { form })
      assert.equal(answer.status, 422)
      assert.match(await answer.text(), LAST_ADMIN)
      const { status, body } = await admin.postJson<{ detail: string }>(`${USERS}/${id}/${path}`, form)
      assert.equal(status, 422)
      assert.match(body.detail, LAST_ADMIN)
      assert.equal((await admin.get(USERS)).status, 200)
    })
  }

  it('keeps an admin when two disable each other at once', async () => {
    await using app = await startTestApp()
    const [admin, other] = [await app.signIn('admin'), await app.signIn('other', 'admin')]
    const ids = { admin: await idOf(app, 'admin'), other: await idOf(app, 'other') }
    await Promise.all([admin.post(`${USERS}/${ids.other}/disable`), other.post(`${USERS}/${ids.admin}/disable`)])
    assert.equal((await app.context.users.counts()).admin, 1)
  })

  it('with a value that cannot be is refused beside its field', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    await app.addUser('ada')
    const id = await idOf(app, 'ada')
    for (const [path, form, field] of [
      ['role', { role: 'owner' }, `role-${id}`],
      ['password', { password: 'x'.repeat(201) }, `password-${id}`],
    ] as const) {
      const answer = await admin.post(`${USERS}/${id}/${path}`, { form })
      assert.equal(answer.status, 422, path)
      assert.match(await answer.text(), new RegExp(`id="${field}"[^>]*aria-invalid="true" aria-describedby="error-${field}"`))
    }
  })

  it('who does not exist is missing', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const id of ['99', '0', '-1', 'ada', '1e3', '9'.repeat(30)]) {
      for (const path of ['role', 'password', 'disable', 'enable']) {
        assert.equal((await admin.post(`${USERS}/${id}/${path}`, { form: { role: 'member', password: PASSWORD } })).status, 404, `${id}/${path}`)
      }
    }
  })
})

async function idOf(app: TestApp, username: string): Promise<number> {
  const user = await app.context.users.byName(username)
  assert.ok(user, username)
  return user.id
}
