import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { Visitor } from '../helpers/visitor.js'

/** Each form, the page that it stands on, and a page that one may have come from. */
const FORMS = [
  ['/admin/notifications', '/admin/notifications/new', ''],
  ['/admin/notifications/some-id/recall', '/admin/notifications/some-id', ''],
  ['/messages', '/messages/new', '?to=bob'],
  ['/account/password', '/account', ''],
  ['/admin/users', '/admin/users', '?search=b&after=a'],
  ['/admin/users/7/disable', '/admin/users', ''],
  ['/admin/tokens', '/admin/tokens', ''],
  ['/admin/tokens/7/revoke', '/admin/tokens', ''],
] as const

describe('a form that is sent after the session has ended', () => {
  it('leads to the sign-in page, which says that nothing was taken, and from there back to its page', async () => {
    await using app = await startTestApp()
    for (const [path, page, query] of FORMS) {
      const visitor = new Visitor(app.url)
      const answer = await visitor.post(path, { form: { title: 'x' }, headers: { referer: `${app.url}${page}${query}` } })
      const location = answer.headers.get('location') ?? ''
      assert.deepEqual([answer.status, location], [303, `/login?next=${encodeURIComponent(page + query)}&unsent=1`], path)
      const signIn = await (await visitor.get(location)).text()
      assert.match(signIn, /Your session had ended: what you sent was not taken/)
      const next = /name="next" value="([^"]*)"/.exec(signIn)?.[1]?.replaceAll('&amp;', '&') ?? ''
      const signedIn = await visitor.post('/login', { form: { username: 'admin', password: PASSWORD, next } })
      assert.equal(signedIn.headers.get('location'), page + query)
    }
    assert.doesNotMatch(await (await new Visitor(app.url).get('/login')).text(), /session had ended/)
  })

  it('leads to the page of the form also where it was sent from elsewhere, or from nowhere that is known', async () => {
    await using app = await startTestApp()
    const refused = '/messages'
    for (const referer of [
      '',
      refused,
      'https://evil.example/messages/new?to=eve',
      'nonsense',
      `${app.url}//evil.example/`,
      `${app.url}/messages/new/`,
    ]) {
      const headers = referer === '' ? {} : { referer: referer === refused ? app.url + refused : referer }
      const answer = await new Visitor(app.url).post('/messages', { form: { title: 'x' }, headers })
      assert.equal(answer.headers.get('location'), '/login?next=%2Fmessages%2Fnew&unsent=1', referer)
    }
  })

  it('that only signs out leads to signing in', async () => {
    await using app = await startTestApp()
    assert.equal((await new Visitor(app.url).post('/logout')).headers.get('location'), '/login')
  })

  it('is 401 to a script', async () => {
    await using app = await startTestApp()
    for (const [path] of FORMS) assert.equal((await new Visitor(app.url).postJson(path, {})).status, 401, path)
  })
})

describe('a form that cannot be taken', () => {
  it('for it is too long says so, that nothing was sent, and leads back', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const [path, page] of FORMS.filter(([path]) => !/\/(recall|disable|revoke)$/.test(path))) {
      const answer = await admin.post(path, { form: { title: 'a'.repeat(600_000) } })
      const text = await answer.text()
      assert.equal(answer.status, 413, path)
      assert.match(text, /Nothing was sent or saved: it is far longer than any field takes/)
      assert.ok(text.includes(`href="${page}"`), path)
    }
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('for a part is out says that nothing was saved, how to try again, and leads back; a page that is only visited says nothing of that', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { handle } = app.context.database
    handle.exec('ALTER TABLE sessions RENAME TO sessions_away')
    const answer = await admin.post('/admin/users', { form: { username: 'zed', password: PASSWORD, role: 'member' } })
    const [form, visited] = [await answer.text(), await (await admin.get('/admin/users')).text()]
    handle.exec('ALTER TABLE sessions_away RENAME TO sessions')
    assert.equal(answer.status, 503)
    assert.match(form, /Nothing was sent or saved\. To try again in a moment, reload this page/)
    assert.ok(form.includes('href="/admin/users"'))
    assert.doesNotMatch(visited, /Nothing was sent|href="\/admin\/users"/)
  })
})
