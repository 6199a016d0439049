import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { Tokens } from '../../src/app/tokens.js'
import { startTestApp, type TestApp } from '../helpers/app.js'

/** Sends everything of a request but the end of its body; once the app has surely let it in, does `meanwhile`, then sends the rest. Returns the status. */
async function slowly(app: TestApp, path: string, header: string, body: object, meanwhile: () => unknown): Promise<number> {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  const text = JSON.stringify(body)
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', header, 'Sec-Fetch-Site: same-origin', 'Accept: application/json', 'Connection: close']
  socket.write([...head, 'Content-Type: application/json', `Content-Length: ${text.length}`, '', text.slice(0, 1)].join('\r\n'))
  const [name = '', value = ''] = header.split(': ')
  await (await fetch(`${app.url}/account`, { headers: { [name]: value } })).text()
  await meanwhile()
  socket.write(text.slice(1))
  await closed
  return Number(Buffer.concat(chunks).toString().split(' ')[1])
}

const ROUTES = {
  '/admin/users': { username: 'backdoor', password: 'whatever1', role: 'admin' },
  '/admin/users/2/role': { role: 'admin' },
  '/admin/users/2/password': { password: 'whatever1' },
  '/admin/users/2/disable': {},
  '/admin/users/2/enable': {},
  '/admin/tokens': { name: 'backdoor' },
  '/admin/notifications': { audience: 'everyone', title: 'From the grave' },
  '/messages': { to: 'ada', title: 'From the grave' },
  '/account/password': { current: 'a password for tests', password: 'whatever1' },
} as const

/** What of the app these routes could have changed. */
function traces({ context }: TestApp): unknown {
  const users = context.database.handle.prepare(`SELECT username, role, disabled_at, password_hash FROM users WHERE username <> 'mallory'`).all()
  return [users, ...['tokens', 'notifications'].map((table) => context.database.handle.prepare(`SELECT count(*) FROM ${table}`).get())]
}

describe('somebody whose body is still under way', () => {
  for (const [path, body] of Object.entries(ROUTES)) {
    it(`when they are disabled, signed out or given a new password changes nothing (${path})`, async () => {
      await using app = await startTestApp()
      const { accounts, users } = app.context
      await app.addUser('ada')
      const mallory = await app.addUser('mallory', 'admin')
      const before = traces(app)
      for (const end of [
        (cookie: string) => fetch(`${app.url}/logout`, { method: 'POST', headers: { cookie, origin: app.url } }),
        () => accounts.setPassword(mallory, 'a password for tests'),
        () => accounts.disable(mallory),
      ]) {
        const { cookie } = await app.signIn('mallory')
        assert.equal(await slowly(app, path, `Cookie: ${cookie}`, body, () => end(cookie)), 401)
      }
      assert.deepEqual(traces(app), before)
      assert.notEqual((await users.byName('mallory'))?.disabledAt, null)
    })
  }

  it('when they are made a member can do what members can, and nothing else', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    const mallory = await app.addUser('mallory', 'admin')
    const header = `Cookie: ${(await app.signIn('mallory')).cookie}`
    const { accounts } = app.context
    for (const [path, body] of Object.entries(ROUTES)) {
      const status = await slowly(app, path, header, body, () => accounts.setRole(mallory, 'member'))
      assert.equal(status, path.startsWith('/admin') ? 403 : path === '/messages' ? 201 : 200, path)
      await accounts.setRole(mallory, 'admin')
    }
    assert.deepEqual(
      (await app.context.users.list({ limit: 9 })).map(({ username }) => username),
      ['ada', 'admin', 'mallory'],
    )
  })

  it('when their token is revoked sends nothing', async () => {
    await using app = await startTestApp()
    const tokens = new Tokens(app.context.database)
    const { id, token } = await tokens.add('ci', null)
    const body = { to: 'everyone', title: 'From the grave' }
    assert.equal(await slowly(app, '/api/notifications', `Authorization: Bearer ${token}`, body, () => tokens.revoke(id)), 401)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })
})
