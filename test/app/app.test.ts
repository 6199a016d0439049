import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startTestApp } from '../helpers/app.js'
import { Visitor } from '../helpers/visitor.js'

describe('what depends on who is signed in', () => {
  it('is kept by no shared cache, nor for somebody else: the front door, the sign-in page, and errors', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    for (const visitor of [ada, new Visitor(app.url)]) {
      for (const path of ['/', '/login', '/login/', '/nowhere', '/notifications?filter=nonsense', '/account', '/notifications/nowhere']) {
        const { headers } = await visitor.get(path)
        assert.equal(headers.get('cache-control'), 'private, no-cache', path)
        assert.match(headers.get('vary') ?? '', /\bCookie\b|^\*$/, path)
      }
    }
    const failed = await ada.post('/login', { form: { username: 'ada', password: 'wrong' } })
    assert.match(failed.headers.get('vary') ?? '', /\bCookie\b/)
    const foreign = await ada.post('/logout', { headers: { origin: 'https://evil.example' } })
    assert.match(foreign.headers.get('vary') ?? '', /\bCookie\b/)
  })

  it('is asked for again when somebody goes back to it', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const path of ['/notifications', '/account', '/messages/new', '/admin/notifications/new', '/admin/users']) {
      const { status, headers } = await admin.get(path, { accept: 'text/html' })
      assert.deepEqual([status, headers.get('vary')], [200, '*'], path)
    }
  })

  it('is not what scripts and styles are', async () => {
    await using app = await startTestApp()
    const page = await (await new Visitor(app.url).get('/login')).text()
    for (const [, path = ''] of page.matchAll(/(?:href|src)="([^"]+\.(?:css|js)[^"]*)"/g)) {
      const { status, headers } = await new Visitor(app.url).get(path)
      assert.equal(status, 200)
      assert.doesNotMatch(headers.get('vary') ?? '', /Cookie/, path)
    }
  })
})

describe('a session that nobody uses', () => {
  it('is not kept alive by polls, in whatever way their address is written', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const { handle } = app.context.database
    handle.exec('UPDATE sessions SET expires_at = expires_at - 86400000')
    const ends = () => handle.prepare('SELECT max(expires_at) FROM sessions').pluck().get()
    const before = ends()
    for (const path of ['/notifications/unread', '/notifications/unread/', '/Notifications/Unread', '/notifications/unread?x=1']) {
      assert.equal((await ada.get(path)).status, 200)
      assert.equal(ends(), before, path)
    }
    await ada.get('/account')
    assert.notEqual(ends(), before)
  })
})
