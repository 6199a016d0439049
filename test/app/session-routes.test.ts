import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import request from 'supertest'
import { UnavailableError } from '../../src/notifications/index.js'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { Visitor } from '../helpers/visitor.js'

const GENERIC = 'The username or the password is wrong.'
const WRONG = 'not the password at all'

describe('signing in', () => {
  it('shows a form to anyone, which keeps where one wanted to go', async () => {
    await using app = await startTestApp()
    const answer = await request(app.url).get('/login?next=%2Faccount').expect(200)
    assert.match(answer.get('Content-Type') ?? '', /text\/html/)
    assert.match(answer.text, /<form[^>]+action="\/login"/)
    assert.match(answer.text, /name="next" value="\/account"/)
  })

  it('leads to the inbox, or to the page that one wanted, whatever the case of the username', async () => {
    await using app = await startTestApp()
    const visitor = new Visitor(app.url)
    const first = await visitor.post('/login', { form: { username: 'admin', password: PASSWORD } })
    assert.deepEqual([first.status, first.headers.get('location')], [303, '/notifications'])
    const second = await visitor.post('/login', { form: { username: 'ADMIN', password: PASSWORD, next: '/account?x=1' } })
    assert.deepEqual([second.status, second.headers.get('location')], [303, '/account?x=1'])
    assert.equal((await visitor.get('/account')).status, 200)
  })

  it('never leads to another site', async () => {
    await using app = await startTestApp()
    const tricks = ['//evil.example', '/\\evil.example', '/\t/evil.example', '\\/evil.example', 'https://evil.example', 'javascript:alert(1)']
    for (const next of [...tricks, '/\n/evil.example', ' //evil.example', 'evil.example', '///evil.example', '/\u0000']) {
      const answer = await new Visitor(app.url).post('/login', { form: { username: 'admin', password: PASSWORD, next } })
      assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/notifications'], JSON.stringify(next))
    }
  })

  it('answers a script with who is there', async () => {
    await using app = await startTestApp()
    const answer = await new Visitor(app.url).postJson('/login', { username: 'admin', password: PASSWORD })
    assert.deepEqual(answer, { status: 200, body: { username: 'admin', role: 'admin' } })
  })

  it('gives a cookie that scripts cannot read and other sites do not send, and a new id each time', async () => {
    await using app = await startTestApp()
    const visitor = new Visitor(app.url)
    const answer = await visitor.post('/login', { form: { username: 'admin', password: PASSWORD } })
    const [cookie = ''] = answer.headers.getSetCookie()
    assert.match(cookie, /^belfry\.sid=s%3A/)
    for (const part of [/; Path=\//, /; HttpOnly/, /; SameSite=Lax/, /; Expires=/]) assert.match(cookie, part)
    assert.doesNotMatch(cookie, /Secure/)
    const before = visitor.cookie
    await visitor.post('/login', { form: { username: 'admin', password: PASSWORD } })
    assert.notEqual(visitor.cookie, before)
    visitor.cookie = before
    assert.equal((await visitor.get('/notifications/unread')).status, 401)
  })

  it('gives a secure cookie where a trusted proxy says that the request came by https', async () => {
    await using app = await startTestApp({ TRUST_PROXY: '1' })
    const headers = { 'x-forwarded-proto': 'https', 'sec-fetch-site': 'same-origin' }
    const answer = await new Visitor(app.url).post('/login', { form: { username: 'admin', password: PASSWORD }, headers })
    assert.match(answer.headers.getSetCookie()[0] ?? '', /; Secure/)
  })

  it('works by https behind a proxy that is trusted, and only there', async () => {
    const headers = (url: string) => ({ 'x-forwarded-proto': 'https', origin: url.replace('http:', 'https:') })
    const form = { username: 'admin', password: PASSWORD }
    await using trusting = await startTestApp({ TRUST_PROXY: 'loopback' })
    assert.equal((await new Visitor(trusting.url).post('/login', { form, headers: headers(trusting.url) })).status, 303)
    await using plain = await startTestApp()
    assert.equal((await new Visitor(plain.url).post('/login', { form, headers: headers(plain.url) })).status, 403)
  })

  it('gives no cookie to those who only look', async () => {
    await using app = await startTestApp()
    const answer = await new Visitor(app.url).get('/login')
    assert.deepEqual(answer.headers.getSetCookie(), [])
  })

  it('fails with the form, the username and one sentence that tells nothing', async () => {
    await using app = await startTestApp()
    const ada = await app.addUser('ada')
    await app.context.accounts.disable(ada)
    const pages = new Set<string>()
    for (const [username, password] of [
      ['admin', WRONG],
      ['nobody', PASSWORD],
      ['ada', PASSWORD],
      ['', PASSWORD],
      ['admin', ''],
      [`' OR 1=1 --`, PASSWORD],
    ] as const) {
      const answer = await new Visitor(app.url).post('/login', { form: { username, password, next: '/account' } })
      const page = await answer.text()
      assert.equal(answer.status, 401, username)
      assert.ok(page.includes(GENERIC), username)
      assert.match(page, /name="next" value="\/account"/)
      assert.doesNotMatch(page, new RegExp(PASSWORD))
      pages.add(page.replaceAll(/(id="username"[^>]*) value="[^"]*"/g, '$1'))
    }
    assert.equal(pages.size, 1, 'the pages differ by more than the username that was typed')
  })

  it('shows a username as text', async () => {
    await using app = await startTestApp()
    const answer = await new Visitor(app.url).post('/login', { form: { username: '"><script>alert(1)</script>', password: 'x' } })
    assert.doesNotMatch(await answer.text(), /<script>alert/)
  })

  it('fails for a script with a problem', async () => {
    await using app = await startTestApp()
    const answer = await request(app.url)
      .post('/login')
      .set('Sec-Fetch-Site', 'same-origin')
      .set('Accept', 'application/json')
      .send({ username: 'admin', password: WRONG })
    assert.equal(answer.status, 401)
    assert.match(answer.get('Content-Type') ?? '', /application\/problem\+json/)
    assert.equal(answer.body.detail, GENERIC)
  })

  it('takes about as long for somebody unknown as for a wrong password', async () => {
    await using app = await startTestApp({}, { passwordCost: 2 ** 14 })
    const median = async (username: string) => {
      const times: number[] = []
      for (let i = 0; i < 5; i++) {
        const since = performance.now()
        await new Visitor(app.url).post('/login', { form: { username, password: WRONG } })
        times.push(performance.now() - since)
      }
      return times.sort((a, b) => a - b)[2] ?? 0
    }
    const [known, unknown] = [await median('admin'), await median('nobody')]
    assert.ok(unknown > known / 3 && known > unknown / 3, `${known} ms against ${unknown} ms`)
  })

  it('is refused where another site may have sent the form, and changes nothing', async () => {
    await using app = await startTestApp()
    const form = { username: 'admin', password: PASSWORD }
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { authorization: 'Bearer x', 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await new Visitor(app.url).post('/login', { form, headers })
      assert.deepEqual([answer.status, answer.headers.getSetCookie()], [403, []], JSON.stringify(headers))
    }
    await request(app.url).post('/login').type('form').send(form).expect(403)
  })
})

describe('a body that cannot be read as a sign-in', () => {
  const refused = [
    { why: 'a field that comes twice', type: 'application/x-www-form-urlencoded', body: 'username=admin&username=ada&password=x', status: 400 },
    { why: 'a field that nobody reads but comes twice', type: 'application/x-www-form-urlencoded', body: 'username=admin&x=1&x=2', status: 400 },
    { why: 'broken JSON', type: 'application/json', body: '{"username":', status: 400 },
    { why: 'JSON that is no object', type: 'application/json', body: '["admin"]', status: 400 },
    { why: 'a field that is no text', type: 'application/json', body: '{"username":{"$ne":1},"password":"x"}', status: 400 },
    { why: 'another type', type: 'text/plain', body: 'username=admin', status: 415 },
    { why: 'files', type: 'multipart/form-data; boundary=x', body: '--x--', status: 415 },
    { why: 'a charset that nobody knows', type: 'application/json; charset=klingon', body: '{}', status: 415 },
    { why: 'too much', type: 'application/x-www-form-urlencoded', body: `password=${'x'.repeat(40_000)}`, status: 413 },
  ] as const
  for (const { why, type, body, status } of refused) {
    it(`is refused with ${status} for ${why}, to people and to scripts`, async () => {
      await using app = await startTestApp()
      for (const accept of ['text/html', 'application/json']) {
        const answer = await fetch(`${app.url}/login`, { method: 'POST', body, headers: { 'content-type': type, accept, origin: app.url } })
        assert.equal(answer.status, status)
        assert.match(answer.headers.get('content-type') ?? '', accept === 'text/html' ? /text\/html/ : /application\/problem\+json/)
        assert.doesNotMatch(await answer.text(), /node_modules|at .*\.[jt]s/)
      }
    })
  }

  it('is refused where the address has next twice', async () => {
    await using app = await startTestApp()
    await request(app.url).get('/login?next=/a&next=/b').expect(400)
  })
})

describe('failed sign-ins', () => {
  it('are answered with 429 after ten for one username, also with the right password, and say when to come again', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    const attempt = (username: string, password: string) => new Visitor(app.url).post('/login', { form: { username, password } })
    for (let i = 0; i < 10; i++) assert.equal((await attempt(i % 2 === 0 ? 'ada' : 'ADA', WRONG)).status, 401)
    const answer = await attempt('ada', PASSWORD)
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.match(await answer.text(), /Too many sign-ins failed/)
    assert.equal((await attempt('admin', PASSWORD)).status, 303, 'somebody else at the same address')
  })

  it('that are answered so stand in the log with the address, and without what was typed', async () => {
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    await using app = await startTestApp({}, { log })
    for (let i = 0; i < 12; i++) await new Visitor(app.url).post('/login', { form: { username: 'ada', password: WRONG } })
    const said = lines.map((line) => JSON.parse(line) as { msg: string; address: string })
    assert.deepEqual(
      said.map(({ msg, address }) => [msg, address]),
      Array(2).fill(['a sign-in was refused, as too many have failed', '127.0.0.1']),
    )
    assert.doesNotMatch(lines.join(''), /"ada"|not the password/)
  })

  it('are answered with 429 after ten, though they all come at once, and however many are refused so', async () => {
    await using app = await startTestApp()
    const attempt = () => new Visitor(app.url).post('/login', { form: { username: 'admin', password: WRONG } })
    const statuses = (await Promise.all(Array.from({ length: 40 }, attempt))).map(({ status }) => status)
    assert.deepEqual(
      [401, 429].map((wanted) => statuses.filter((status) => status === wanted).length),
      [10, 30],
    )
  })

  it('are answered with 429 after a hundred from one address, and only there', async () => {
    await using app = await startTestApp({ TRUST_PROXY: '1' })
    const attempt = (username: string, password: string, address: string) =>
      new Visitor(app.url).post('/login', { form: { username, password }, headers: { 'x-forwarded-for': address } })
    for (let i = 0; i < 100; i++) assert.equal((await attempt(`nobody${i}`, WRONG, '203.0.113.7')).status, 401)
    assert.equal((await attempt('admin', PASSWORD, '203.0.113.7')).status, 429)
    assert.equal((await attempt('admin', PASSWORD, '203.0.113.8')).status, 303)
  })

  it('mark name and password as wrong only where they are', async () => {
    await using app = await startTestApp()
    const { users } = app.context
    const marked = async (password: string) => {
      const answer = await new Visitor(app.url).post('/login', { form: { username: 'admin', password } })
      return { status: answer.status, fields: (await answer.text()).match(/aria-invalid="true"/g)?.length ?? 0 }
    }
    for (let i = 0; i < 10; i++) assert.deepEqual(await marked(WRONG), { status: 401, fields: 2 })
    assert.deepEqual(await marked(PASSWORD), { status: 429, fields: 0 })
    users.byName = () => Promise.reject(new UnavailableError('The database does not answer.'))
    assert.deepEqual((await marked(PASSWORD)).fields, 0)
  })

  it('count no attempt that could not be checked', async () => {
    await using app = await startTestApp()
    const { users } = app.context
    const attempt = () => new Visitor(app.url).post('/login', { form: { username: 'admin', password: PASSWORD } })
    const byName = users.byName.bind(users)
    users.byName = () => Promise.reject(new UnavailableError('The database does not answer.'))
    for (let i = 0; i < 12; i++) assert.equal((await attempt()).status, 503)
    users.byName = byName
    assert.equal((await attempt()).status, 303)
  })

  it('are all that counts: twenty sign-ins of one person at once all succeed', async () => {
    await using app = await startTestApp()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => new Visitor(app.url).post('/login', { form: { username: 'admin', password: PASSWORD } })),
    )
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([303]))
  })
})

describe('signing out', () => {
  it('ends the session for good and leads to the sign-in page', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const cookie = ada.cookie
    const answer = await ada.post('/logout')
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/login'])
    ada.cookie = cookie
    assert.equal((await ada.get('/notifications/unread')).status, 401)
  })

  it('answers a script with JSON', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.deepEqual(await ada.postJson('/logout', undefined), { status: 200, body: { signedIn: false } })
  })

  it('of nobody leads to the sign-in page, and is 401 for scripts', async () => {
    await using app = await startTestApp()
    const nobody = new Visitor(app.url)
    const answer = await nobody.post('/logout')
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/login'])
    assert.equal((await nobody.postJson('/logout', undefined)).status, 401)
  })

  it('is not done by another site', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.equal((await ada.post('/logout', { headers: { origin: 'https://evil.example' } })).status, 403)
    assert.equal((await ada.get('/notifications/unread')).status, 200)
  })
})

describe('the front door', () => {
  it('leads to the inbox, or to the sign-in page', async () => {
    await using app = await startTestApp()
    assert.equal((await new Visitor(app.url).get('/')).headers.get('location'), '/login')
    const ada = await app.signIn('ada')
    const answer = await ada.get('/')
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/notifications'])
  })

  it('asks those who are not signed in to do so first, and brings them back', async () => {
    await using app = await startTestApp()
    const answer = await new Visitor(app.url).get('/account?x=1')
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/login?next=%2Faccount%3Fx%3D1'])
    await request(app.url)
      .get('/account')
      .set('Accept', 'application/json')
      .expect(401)
      .expect('Content-Type', /problem\+json/)
  })

  it('says that nothing is where nothing is, in two faces', async () => {
    await using app = await startTestApp()
    await request(app.url).get('/nowhere').expect(404).expect('Content-Type', /html/)
    await request(app.url)
      .get('/nowhere')
      .set('Accept', 'application/json')
      .expect(404)
      .expect('Content-Type', /problem\+json/)
    for (const path of ['/%ff', '/..%2f..%2fpackage.json', '/build/.built-from', '/.env', '/%00']) {
      const answer = await request(app.url).get(path)
      assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`)
      assert.doesNotMatch(answer.text, /node_modules/)
    }
  })
})
