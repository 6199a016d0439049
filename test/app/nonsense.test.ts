import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

/** Writes bytes to the app as they are; returns what came back until it hung up. */
async function speak(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return heard
}

describe('nonsense', () => {
  it('in any shape is answered or cut off, and the app goes on', async () => {
    await using app = await startTestApp()
    const close = 'Connection: close\r\n\r\n'
    const utterances: readonly [string, RegExp][] = [
      ['\0\0\0\0\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['GET / HTTP/9.9\r\n\r\n', /^HTTP\/1\.1 (400|505) /],
      [`GET / HTTP/1.1\r\nHost: x\r\nCookie: belfry.sid=s%3A${'x'.repeat(20_000)}\r\n${close}`, /^HTTP\/1\.1 431 /],
      [`GET /account HTTP/1.1\r\nHost: x\r\nCookie: belfry.sid=s%3Anobody.nothing; belfry.sid; =; %\r\n${close}`, /^HTTP\/1\.1 303 /],
      [`GET /account HTTP/1.1\r\nHost: x\r\nCookie: belfry.sid=s:${'%00'.repeat(50)}.x\r\n${close}`, /^HTTP\/1\.1 303 /],
      [`GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\n${close}`, /^HTTP\/1\.1 404 /],
      [`GET http://evil.example/account HTTP/1.1\r\nHost: x\r\n${close}`, /^HTTP\/1\.1 /],
      [`GET /account HTTP/1.1\r\nHost: x\r\nAccept: ${'*/*;q=,'.repeat(500)}\r\n${close}`, /^HTTP\/1\.1 (303|401) /],
      [
        `POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`,
        /^HTTP\/1\.1 400 /,
      ],
      [
        `POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Encoding: snappy\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
        /^HTTP\/1\.1 415 /,
      ],
      [
        `POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${close}0\r\n\r\n`,
        /^HTTP\/1\.1 400 /,
      ],
      [`PROPFIND /account HTTP/1.1\r\nHost: x\r\n${close}`, /^HTTP\/1\.1 (403|404) /],
      [`CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n`, /^/],
      [`GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, /^HTTP\/1\.1 404 /],
    ]
    for (const [bytes, expected] of utterances) {
      const heard = await speak(app.url, bytes)
      assert.match(heard, expected, JSON.stringify(bytes.slice(0, 200)))
      assert.doesNotMatch(heard, /node_modules|\.[jt]s:\d+/)
    }
    assert.equal((await new Visitor(app.url).get('/healthz')).status, 200)
  })

  it('in fields is never believed', async () => {
    await using app = await startTestApp()
    const visitor = new Visitor(app.url)
    for (const json of [{}, { username: null }, { username: 1 }, { __proto__: { username: 'admin' } }, { constructor: { prototype: {} } }]) {
      const { status } = await visitor.postJson('/login', json)
      assert.ok([400, 401].includes(status), JSON.stringify(json))
    }
    const form = await visitor.post('/login', { form: { username: '__proto__', password: PASSWORD, next: 'constructor' } })
    assert.equal(form.status, 401)
  })
})

describe('the log', () => {
  it('holds no password, cookie, token, query or body, whatever goes wrong', async () => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    await using app = await startTestApp({ METRICS_TOKEN: 'metrics-secret' }, { log })
    const ada = await app.signIn('ada')
    await ada.get('/account?next=query-secret')
    await ada.get('/metrics', { authorization: 'Bearer metrics-secret' })
    await ada.post('/login', { form: { username: 'ada', password: 'typed-secret' } })
    await fetch(`${app.url}/login`, {
      method: 'POST',
      body: '{"password":"body-secret"',
      headers: { origin: app.url, 'content-type': 'application/json' },
    })
    app.context.database.handle.exec('ALTER TABLE users RENAME TO users_away')
    assert.equal((await ada.post('/login', { form: { username: 'ada', password: 'later-secret' } })).status, 503)
    app.context.database.handle.exec('ALTER TABLE users_away RENAME TO users')
    const text = lines.join('')
    assert.match(text, /"path":"\/account"/)
    assert.match(text, /"level":50/)
    assert.doesNotMatch(text, /-secret|belfry\.sid/)
    assert.ok(!text.includes(PASSWORD))
    assert.ok(!text.includes(decodeURIComponent(ada.cookie).split(':')[1]?.split('.')[0] ?? '?'))
  })
})

describe('a flood of sign-ins', () => {
  it('leaves the event loop free, and is answered or turned away', async () => {
    await using server = await ServerProcess.start({ TRUST_PROXY: '1' }, { watched: true })
    await server.strain()
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const headers = { 'x-forwarded-for': `203.0.113.${i}` }
        const answer = await new Visitor(server.url).post('/login', { form: { username: `nobody${i}`, password: 'x' }, headers })
        return [answer.status, answer.headers.get('retry-after')] as const
      }),
    )
    await server.expectCalm()
    const turnedAway = answers.filter(([status]) => status === 503)
    assert.ok(answers.every(([status]) => status === 401 || status === 503))
    assert.ok(turnedAway.length > 0 && turnedAway.every(([, after]) => Number(after) > 0))
  })
})
