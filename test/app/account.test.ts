import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { User } from '../../src/app/users.js'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { Visitor } from '../helpers/visitor.js'

const NEW = 'another password for tests'

async function openStream(visitor: Visitor): Promise<{ ended: boolean }> {
  const stream = { ended: false }
  const answer = await visitor.get('/notifications/stream')
  void answer.text().finally(() => {
    stream.ended = true
  })
  return stream
}

describe('the account page', () => {
  it('says who one is, and is nobody else’s', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const answer = await ada.get('/account')
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'private, no-cache')
    const page = await answer.text()
    assert.match(page, /<dd>ada<\/dd>/)
    assert.match(page, />\d{1,2} \w+ \d{4}<\/time>/, 'since when, as the list of people says it')
  })

  it('refuses changed twice', async () => {
    await using app = await startTestApp()
    assert.equal((await (await app.signIn('ada')).get('/account?changed=1&changed=1')).status, 400)
  })
})

describe('changing the password', () => {
  it('keeps one signed in, and signs everything else of theirs out, sockets included, within a second', async () => {
    await using app = await startTestApp()
    const here = await app.signIn('ada')
    const elsewhere = await app.signIn('ada')
    const bob = await app.signIn('bob')
    await using tabHere = await here.openTab()
    await using tabElsewhere = await elsewhere.openTab()
    await using tabOfBob = await bob.openTab()

    const answer = await here.post('/account/password', { form: { current: PASSWORD, password: NEW } })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/account?changed=1'])
    await eventually(
      () => tabElsewhere.closed === 4401,
      () => `closed with ${tabElsewhere.closed}`,
      1000,
    )
    assert.equal((await elsewhere.get('/notifications/unread')).status, 401)
    assert.equal((await here.get('/notifications/unread')).status, 200)
    assert.match(await (await here.get('/account?changed=1')).text(), /Your password is changed/)
    assert.deepEqual([tabHere.closed, tabOfBob.closed], [undefined, undefined])

    const again = new Visitor(app.url)
    assert.equal((await again.post('/login', { form: { username: 'ada', password: PASSWORD } })).status, 401)
    assert.equal((await again.post('/login', { form: { username: 'ada', password: NEW } })).status, 303)
  })

  it('never shows its own session as signed out, not even between the change and the answer', async () => {
    await using app = await startTestApp()
    const user = await app.addUser('ada')
    const ada = await app.signIn('ada')
    const [id = ''] = decodeURIComponent(ada.cookie).replace('belfry.sid=s:', '').split('.')
    await app.context.accounts.setPassword(user, NEW, id)
    assert.equal((await ada.get('/notifications/unread')).status, 200)
  })

  it('is refused where the present password is wrong, or the new one too short or too long; beside the field', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    for (const [current, password, field] of [
      ['wrong', NEW, 'current'],
      ['', NEW, 'current'],
      [PASSWORD, '1234567', 'password'],
      [PASSWORD, 'x'.repeat(201), 'password'],
    ] as const) {
      const answer = await ada.post('/account/password', { form: { current, password } })
      assert.equal(answer.status, 422)
      const page = await answer.text()
      assert.match(page, new RegExp(`id="${field}"[^>]*aria-describedby="[^"]*${field}-error"[^>]*aria-invalid="true"`))
      assert.doesNotMatch(page, new RegExp(`${NEW}|${PASSWORD}`))
      const script = await ada.postJson<{ errors: { field: string }[] }>('/account/password', { current, password })
      assert.deepEqual([script.status, script.body.errors.map((error) => error.field)], [422, [field]])
    }
    assert.equal((await ada.get('/account')).status, 200)
  })

  it('counts characters as people do', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.equal((await ada.postJson('/account/password', { current: PASSWORD, password: '🔔'.repeat(200) })).status, 200)
  })

  it('needs somebody who is signed in, and comes from this site', async () => {
    await using app = await startTestApp()
    const form = { current: PASSWORD, password: NEW }
    const location = (await new Visitor(app.url).post('/account/password', { form })).headers.get('location')
    assert.equal(location, '/login?next=%2Faccount&unsent=1')
    const ada = await app.signIn('ada')
    assert.equal((await ada.post('/account/password', { form, headers: { origin: 'https://evil.example' } })).status, 403)
    assert.equal((await Visitor.signedIn(app.url, 'ada', PASSWORD)).cookie !== '', true)
  })

  for (const [what, overtake] of [
    ['gives a new one', ({ context }: TestApp, user: User) => context.accounts.setPassword(user, 'given by the admin')],
    ['disables', ({ context }: TestApp, user: User) => context.accounts.disable(user)],
  ] as const) {
    it(`overtaken by an admin who ${what} is refused: whoever knew the old one does not keep the account`, async () => {
      await using app = await startTestApp()
      const { passwords, users } = app.context
      const user = await app.addUser('ada')
      const thief = await app.signIn('ada')
      const hash = passwords.hash.bind(passwords)
      passwords.hash = async (password) => {
        passwords.hash = hash
        await overtake(app, user)
        return hash(password)
      }
      const answer = await thief.postJson('/account/password', { current: PASSWORD, password: NEW })
      assert.equal(answer.status, 401)
      assert.equal(await passwords.verify(NEW, await users.passwordHash(user.id)), false)
      assert.equal((await thief.get('/notifications/unread')).status, 401)
    })
  }

  it('a hundred times at once keeps nobody else from signing in', async () => {
    await using app = await startTestApp({}, { passwordCost: 2 ** 14 })
    const ada = await app.signIn('ada')
    await app.addUser('bob')
    const tries = Array.from({ length: 100 }, () => ada.postJson('/account/password', { current: 'not the right one', password: NEW }))
    await Promise.any(tries.map(async (answer) => assert.equal((await answer).status, 503)))
    const bob = await Visitor.signedIn(app.url, 'bob', PASSWORD)
    assert.equal((await bob.get('/notifications/unread')).status, 200)
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    assert.deepEqual(new Set(statuses), new Set([422, 429, 503]))
  })

  it('by guessing the present one ends at ten, with the right one too, and does not keep ada herself from it in another browser', async () => {
    await using app = await startTestApp()
    const [thief, ada] = [await app.signIn('ada'), await app.signIn('ada')]
    const guess = (current: string) => thief.postJson<{ code: string }>('/account/password', { current, password: NEW })
    for (let n = 0; n < 10; n++) assert.equal((await guess('not the right one')).status, 422)
    assert.deepEqual([(await guess(PASSWORD)).status, (await guess(PASSWORD)).body.code], [429, 'too_many_passwords'])
    const page = await thief.post('/account/password', { form: { current: PASSWORD, password: NEW } })
    assert.deepEqual([page.status, Number(page.headers.get('retry-after')) > 890], [429, true])
    assert.match(await page.text(), /id="current-error">Too many wrong passwords\. Wait a quarter of an hour/)
    assert.equal((await ada.post('/account/password', { form: { current: PASSWORD, password: NEW } })).status, 303)
  })

  it('overtaken by a sign-in with the old password leaves that one outside', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const late = new Visitor(app.url)
    const [changed, entered] = await Promise.all([
      ada.post('/account/password', { form: { current: PASSWORD, password: NEW } }),
      late.post('/login', { form: { username: 'ada', password: PASSWORD } }),
    ])
    assert.equal(changed.status, 303)
    assert.ok([303, 401].includes(entered.status))
    assert.equal((await late.get('/notifications/unread')).status, 401)
  })
})

describe('an old cookie never works again, and its sockets close within a second,', () => {
  it('after signing out', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const old = ada.cookie
    await using tab = await ada.openTab()
    await ada.post('/logout')
    await eventually(
      () => tab.closed === 4401,
      () => `closed with ${tab.closed}`,
      1000,
    )
    ada.cookie = old
    assert.equal((await ada.get('/notifications/unread')).status, 401)
  })

  it('after signing out, being disabled or getting a new password in another process on the same database', async () => {
    await using here = await startTestApp()
    await using there = await startTestApp({ DATABASE_URL: here.context.config.databasePath })
    const user = await here.addUser('ada')
    const ends = [
      (ada: Visitor) => ada.post('/logout'),
      () => here.context.accounts.setPassword(user, PASSWORD),
      () => here.context.accounts.disable(user),
    ]
    for (const end of ends) {
      const ada = await here.signIn('ada')
      const same = new Visitor(there.url)
      same.cookie = ada.cookie
      await using tab = await same.openTab()
      await end(ada)
      await eventually(
        () => tab.closed === 4401,
        () => `closed with ${tab.closed}`,
        1500,
      )
      assert.equal((await same.get('/notifications/unread')).status, 401)
    }
  })

  it('after being disabled, also when enabled again', async () => {
    await using app = await startTestApp()
    const user = await app.addUser('ada')
    const ada = await app.signIn('ada')
    await using tab = await ada.openTab()
    await app.context.accounts.disable(user)
    await eventually(
      () => tab.closed === 4401,
      () => `closed with ${tab.closed}`,
      1000,
    )
    assert.equal((await ada.get('/notifications/unread')).status, 401)
    await app.context.accounts.enable(user)
    assert.equal((await ada.get('/notifications/unread')).status, 401)
    assert.equal((await (await app.signIn('ada')).get('/notifications/unread')).status, 200)
  })

  it('after an admin gave a new password', async () => {
    await using app = await startTestApp()
    const user = await app.addUser('ada')
    const ada = await app.signIn('ada')
    await using tab = await ada.openTab()
    await app.context.accounts.setPassword(user, NEW)
    await eventually(
      () => tab.closed === 4401,
      () => `closed with ${tab.closed}`,
      1000,
    )
    assert.equal((await ada.get('/notifications/unread')).status, 401)
  })

  it('after nothing was done for as long as a session lasts', async () => {
    await using app = await startTestApp({ SESSION_IDLE_SECONDS: '1' })
    const ada = await app.signIn('ada')
    await using tab = await ada.openTab()
    await eventually(
      () => tab.closed === 4401,
      () => `closed with ${tab.closed}`,
      2500,
    )
    assert.equal((await ada.get('/notifications/unread')).status, 401)
  })

  it('after nothing was done for so long, though its pages asked by themselves', async () => {
    await using app = await startTestApp({ SESSION_IDLE_SECONDS: '2' })
    const ada = await app.signIn('ada')
    await using tab = await ada.openTab()
    await eventually(
      async () => (await ada.get('/notifications/unread')).status === 401,
      () => 'polls keep a session alive',
    )
    await eventually(
      () => tab.closed === 4401,
      () => `closed with ${tab.closed}`,
      1000,
    )
  })

  it('after the longest time that a session can last, whatever was done', async () => {
    await using app = await startTestApp({ SESSION_IDLE_SECONDS: '60', SESSION_MAX_SECONDS: '2' })
    const since = performance.now()
    const ada = await app.signIn('ada')
    await using tab = await ada.openTab()
    const stream = await openStream(ada)
    await eventually(
      async () => (await ada.get('/account')).status === 303,
      () => 'still signed in',
      3500,
    )
    assert.ok(performance.now() - since > 1900)
    await eventually(
      () => tab.closed === 4401 && stream.ended,
      () => `closed with ${tab.closed}, and the stream ${stream.ended ? 'ended' : 'goes on'}`,
      1000,
    )
  })

  it('after that time, where it has but an event stream', async () => {
    await using app = await startTestApp({ SESSION_IDLE_SECONDS: '60', SESSION_MAX_SECONDS: '2' })
    const ada = await app.signIn('ada')
    const stream = await openStream(ada)
    await eventually(
      () => stream.ended,
      () => 'it goes on',
      3000,
    )
  })
})

describe('a session', () => {
  it('lives on while its person does something, but not for polls', async () => {
    await using app = await startTestApp({ SESSION_IDLE_SECONDS: '2' })
    const [active, polling] = [await app.signIn('ada'), await app.signIn('bob')]
    const since = performance.now()
    await eventually(
      async () => {
        assert.equal((await active.get('/account')).status, 200)
        return (await polling.get('/notifications/unread')).status === 401
      },
      () => 'polls keep a session alive',
      6000,
    )
    assert.ok(performance.now() - since > 1900)
    assert.equal((await active.get('/account')).status, 200)
  })
})

describe('the last admin', () => {
  it('can be neither disabled nor made a member', async () => {
    await using app = await startTestApp()
    const admin = await app.context.users.byName('admin')
    assert.ok(admin)
    const refused = { name: 'InvalidError', status: 422 }
    await assert.rejects(app.context.accounts.disable(admin), refused)
    await assert.rejects(app.context.accounts.setRole(admin, 'member'), refused)
    assert.equal((await app.context.users.byId(admin.id))?.role, 'admin')
    await app.addUser('ada', 'admin')
    await app.context.accounts.disable(admin)
    assert.notEqual((await app.context.users.byId(admin.id))?.disabledAt, null)
  })
})
