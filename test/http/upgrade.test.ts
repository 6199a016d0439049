import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { MemoryStore, type SessionData } from 'express-session'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { LiveHost } from '../helpers/live-host.js'
import { type Answer, handshake, openRaw, upgrade } from '../helpers/raw-upgrade.js'
import { Tab } from '../helpers/visitor.js'

/** A store that can be told to hang or to fail. */
class MoodyStore extends MemoryStore {
  mood: 'well' | 'silent' | 'failing' | 'throwing' = 'well'

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (this.mood === 'silent') return
    if (this.mood === 'failing') return void setImmediate(callback, new Error('the store is out'))
    if (this.mood === 'throwing') throw new Error('the store is out')
    super.get(id, callback)
  }
}

/** The shape of every refusal: a small problem, the end of the connection, and all of it within a second, or so many milliseconds. */
function expectRefused(answer: Answer, status: number, within = 1000): void {
  assert.equal(answer.status, status, answer.body)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  assert.equal(answer.headers.get('connection'), 'close')
  assert.equal(JSON.parse(answer.body).status, status)
  assert.ok(answer.body.length < 400)
  assert.ok(answer.took < within, `took ${answer.took} ms`)
}

test('a page of this site, signed in, is upgraded to belfry.v1 and greeted', async () => {
  await using host = await LiveHost.start()
  await using tab = await host.openTab(await host.signIn('ada'))
  assert.equal(tab.socket.protocol, 'belfry.v1')
  await eventually(
    () => tab.frames.length > 0,
    () => 'no hello',
  )
  const { epoch, version, ...rest } = tab.frames[0] as { epoch: string; version: number }
  assert.deepEqual(rest, { type: 'hello', unread: 0, heartbeat: 25, reconnectWithin: 10 })
  assert.deepEqual({ epoch, version, unread: 0 }, await host.notifications.state('ada'))
})

test('a client that offers no subprotocol is taken', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/notifications/socket?v=2`, { headers: { cookie, origin: host.url } })
  const [data] = await once(socket, 'message')
  assert.equal(JSON.parse(String(data)).type, 'hello')
  socket.terminate()
})

test('without a session an upgrade is refused with 401', async () => {
  await using host = await LiveHost.start()
  const { port } = host
  expectRefused(await upgrade({ port }), 401)
  expectRefused(await upgrade({ port, headers: { Cookie: 'connect.sid=s%3Aforged.signature' } }), 401)
  assert.equal(await host.metric('belfry_upgrades_refused_total', { reason: 'session' }), 2)
})

test('the cookie of a destroyed session is refused with 401', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await host.visit('/sign-out', cookie, 'POST')
  expectRefused(await upgrade({ port: host.port, headers: { Cookie: cookie } }), 401)
})

test('an origin that is missing, null, unreadable or foreign is refused with 403, whoever is signed in', async () => {
  await using host = await LiveHost.start()
  const { port } = host
  const Cookie = await host.signIn('ada')
  const foreign = [
    null,
    'null',
    'not an origin',
    `https://127.0.0.1:${port}`,
    'http://127.0.0.1',
    `http://127.0.0.1:${port}.evil.example`,
    `http://127.0.0.1:${port}/`,
  ]
  for (const Origin of foreign) {
    expectRefused(await upgrade({ port, headers: { Cookie, Origin } }), 403)
  }
  assert.equal(await host.metric('belfry_upgrades_refused_total', { reason: 'origin' }), foreign.length)
})

test('a configured list of origins replaces the own one', async () => {
  await using host = await LiveHost.start({ allowedOrigins: ['https://app.example'] })
  const cookie = await host.signIn('ada')
  expectRefused(await upgrade({ port: host.port, headers: { Cookie: cookie } }), 403)
  await using tab = new Tab(host.url, cookie, 'https://app.example')
  await tab.opened
})

test('behind a trusted proxy the own origin is what the proxy says; without trust its word counts nothing', async () => {
  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'app.example', Origin: 'https://app.example' }
  await using trusting = await LiveHost.start({ trustProxy: 'loopback' })
  assert.equal((await upgrade({ port: trusting.port, headers: forwarded })).status, 401)
  assert.equal((await upgrade({ port: trusting.port, headers: { ...forwarded, 'X-Forwarded-Proto': 'wss' } })).status, 401)
  await using wary = await LiveHost.start()
  assert.equal((await upgrade({ port: wary.port, headers: forwarded })).status, 403)
})

test('a request whose headers run over the limit has lost its origin, and is refused, where Node has not done so itself', async () => {
  await using host = await LiveHost.start()
  const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`A${i}`, '']))
  const headers = { Origin: null, ...many, origin: host.url }
  const answer = await upgrade({ port: host.port, headers })
  if (answer.status !== 431) expectRefused(answer, 403)
})

test('subprotocols without ours are refused with 400', async () => {
  await using host = await LiveHost.start()
  const Cookie = await host.signIn('ada')
  for (const offered of ['belfry.v2', 'graphql-ws, chat', ',', 'belfry.v1,,', 'belfry.v1, belfry.v1', '']) {
    expectRefused(await upgrade({ port: host.port, headers: { Cookie, 'Sec-WebSocket-Protocol': offered } }), 400)
  }
})

test('ours among several subprotocols is chosen', async () => {
  await using host = await LiveHost.start()
  const headers = { cookie: await host.signIn('ada'), origin: host.url }
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/notifications/socket`, ['chat', 'belfry.v1'], { headers })
  await once(socket, 'open')
  assert.equal(socket.protocol, 'belfry.v1')
  socket.terminate()
})

test('what is not a WebSocket handshake is refused with 400', async () => {
  await using host = await LiveHost.start()
  const { port } = host
  const Cookie = await host.signIn('ada')
  const wrong: Parameters<typeof upgrade>[0][] = [
    { port, method: 'POST', headers: { 'Content-Length': '4' }, rest: 'body' },
    { port, method: 'DELETE' },
    { port, version: '1.0' },
    { port, headers: { Upgrade: 'h2c' } },
    { port, headers: { 'Sec-WebSocket-Key': null } },
    { port, headers: { 'Sec-WebSocket-Key': 'short' } },
    { port, headers: { 'Sec-WebSocket-Version': null } },
    { port, headers: { 'Sec-WebSocket-Version': '7' } },
    { port, headers: { 'Sec-WebSocket-Version': 'x'.repeat(5000) } },
  ]
  for (const request of wrong) {
    const answer = await upgrade({ ...request, headers: { Cookie, ...request.headers } })
    expectRefused(answer, 400)
    assert.equal(answer.headers.get('sec-websocket-version'), '13')
  }
  assert.equal(await host.metric('belfry_upgrades_refused_total', { reason: 'protocol' }), wrong.length)
})

test('an upgrade that was sent ahead waits for the answer before it, and has the connection to itself then', async () => {
  const gate = new Gate()
  await using host = await LiveHost.start({ between: (req, _res, next) => void (req.path === '/ping' ? gate.pass().then(() => next()) : next()) })
  const Cookie = await host.signIn('ada')
  const socket = await openRaw(host.port)
  let heard = ''
  socket.setEncoding('latin1').on('data', (text) => {
    heard += text
  })
  socket.write(Buffer.concat([Buffer.from('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'), handshake({ port: host.port, headers: { Cookie } })]))
  await gate.heldUp()
  gate.open()
  await eventually(
    () => heard.includes('"type":"hello"') && heard.includes('pong'),
    () => heard,
  )
  assert.match(heard, /^HTTP\/1\.1 200 [^{]*pongHTTP\/1\.1 101 [^{]*\{"type":"hello"/)
  await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
  await eventually(
    () => heard.includes('"unread":1'),
    () => heard,
  )
  socket.destroy()
})

test('an upgrade that was sent ahead may wait for many answers, and nothing is left behind for each of them', async (t) => {
  await using host = await LiveHost.start()
  const Cookie = await host.signIn('ada')
  const warnings: string[] = []
  const warned = ({ message }: Error) => void warnings.push(message)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const socket = await openRaw(host.port)
  let heard = ''
  socket.setEncoding('latin1').on('data', (text) => {
    heard += text
  })
  socket.write(Buffer.concat([Buffer.from('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20)), handshake({ port: host.port, headers: { Cookie } })]))
  await eventually(
    () => heard.includes('"type":"hello"'),
    () => heard,
  )
  assert.deepEqual(warnings, [])
  socket.destroy()
})

test('a client that resets its connection while its upgrade waits for the answer before it harms nobody', async () => {
  const gate = new Gate()
  await using host = await LiveHost.start({ between: (req, _res, next) => void (req.path === '/ping' ? gate.pass().then(() => next()) : next()) })
  const Cookie = await host.signIn('ada')
  const socket = await openRaw(host.port)
  socket.write(Buffer.concat([Buffer.from('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'), handshake({ port: host.port, headers: { Cookie } })]))
  await gate.heldUp()
  socket.resetAndDestroy()
  await once(socket, 'close')
  gate.open()
  assert.equal((await host.visit('/ping', Cookie)).status, 200)
  await using _tab = await host.openTab(Cookie)
  await eventually(
    async () => (await host.metric('belfry_connections')) === 1,
    () => 'the one that was reset is counted',
  )
})

test('over the cap of a user the newest connection is refused with 429, and the others stay', async () => {
  await using host = await LiveHost.start({ maxConnectionsPerUser: 2 })
  const cookie = await host.signIn('ada')
  await using first = await host.openTab(cookie)
  await using second = await host.openTab(cookie)
  const answer = await upgrade({ port: host.port, headers: { Cookie: cookie } })
  expectRefused(answer, 429)
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  assert.equal(await host.metric('belfry_upgrades_refused_total', { reason: 'user_full' }), 1)
  await using _other = await host.openTab(await host.signIn('bo'))
  assert.deepEqual([first.closed, second.closed], [undefined, undefined])
  await second[Symbol.asyncDispose]()
  await eventually(
    async () => (await host.metric('belfry_connections')) === 2,
    () => 'the closed tab is still counted',
  )
  await using _again = await host.openTab(cookie)
})

test('when the server is full an upgrade is refused with 503 and Retry-After', async () => {
  await using host = await LiveHost.start({ maxConnections: 1 })
  await using _tab = await host.openTab(await host.signIn('ada'))
  const answer = await upgrade({ port: host.port, headers: { Cookie: await host.signIn('bo') } })
  expectRefused(answer, 503)
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  assert.equal(await host.metric('belfry_upgrades_refused_total', { reason: 'full' }), 1)
})

for (const mood of ['silent', 'failing', 'throwing'] as const) {
  test(`with a ${mood} session store an upgrade is refused with 503 within three seconds, and it heals by itself`, async () => {
    const store = new MoodyStore()
    await using host = await LiveHost.start({ store })
    const Cookie = await host.signIn('ada')
    store.mood = mood
    const answer = await upgrade({ port: host.port, headers: { Cookie } })
    expectRefused(answer, 503, 3000)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    store.mood = 'well'
    await using _tab = await host.openTab(Cookie)
  })
}

test('a disconnected session store, which leaves no session on the request, is a 503 and not a 401', async () => {
  const store = new MemoryStore()
  await using host = await LiveHost.start({ store })
  const Cookie = await host.signIn('ada')
  store.emit('disconnect')
  expectRefused(await upgrade({ port: host.port, headers: { Cookie } }), 503)
  store.emit('connect')
  await using _tab = await host.openTab(Cookie)
})

test('an identify that takes more than a second is waited for; one that hangs is a 503 within three seconds, one that throws at once', async () => {
  let identify: () => Promise<{ id: string } | null> = () => pause(1200, { id: 'ada' })
  await using host = await LiveHost.start({ identify: () => identify() })
  await using _tab = await host.openTab(await host.signIn('ada'))
  identify = () => new Promise(() => {})
  expectRefused(await upgrade({ port: host.port }), 503, 3000)
  identify = () => Promise.reject(new Error('no users today'))
  expectRefused(await upgrade({ port: host.port }), 503)
  assert.ok(host.warnings.length > 0)
})

test('whoever makes up origins writes nothing of their own into the log, and does not keep the host from learning what else is wrong', async () => {
  let out = false
  await using host = await LiveHost.start({
    between: (req, _res, next) => {
      if (out) Reflect.deleteProperty(req, 'session')
      next()
    },
  })
  const { port } = host
  for (const Origin of ['null', 'http://x \x9b2J %s', 'https://evil.example/\x85belfry: all is well'])
    expectRefused(await upgrade({ port, headers: { Origin } }), 403)
  assert.equal(host.warnings.length, 0)
  for (let n = 0; n < 30; n++) await upgrade({ port, headers: { Origin: `https://evil${n}.example` } })
  for (let n = 0; n < 30; n++) await upgrade({ port, headers: { Origin: 'https://evil0.example', Host: `evil${n}.example` } })
  assert.equal(host.warnings.length, 10)
  assert.match(
    host.warnings[0] ?? '',
    /^a live connection was refused to a page of https:\/\/evil0\.example, as only pages of http:\/\/127\.0\.0\.1:\d+ may/,
  )
  out = true
  assert.equal((await host.visit('/notifications/unread', '')).status, 503)
  assert.ok(host.warnings.some((text) => text.startsWith('a request has no session')))
})

test('sessions that no store keeps cannot be watched, so nothing is opened on them', async () => {
  await using host = await LiveHost.start({
    session: (req, _res, next) => {
      Object.assign(req, { session: { user: 'ada' } })
      next()
    },
  })
  expectRefused(await upgrade({ port: host.port }), 503)
  assert.equal(host.warnings.length, 1)
})

test('a refused socket is gone within a second although its client never lets go and keeps sending', async () => {
  await using host = await LiveHost.start()
  const socket = await openRaw(host.port)
  const began = performance.now()
  const flood = setInterval(() => socket.write(Buffer.alloc(4096)), 5)
  socket.write(handshake({ port: host.port }))
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await eventually(
    () => host.sockets.size === 0,
    () => 'the server still holds the socket',
    1500,
  )
  clearInterval(flood)
  assert.match(text, /^HTTP\/1\.1 401 /)
  assert.ok(performance.now() - began < 1000)
  socket.destroy()
})

test('upgrades of other paths are left to other listeners', async () => {
  const echo = new WebSocketServer({ noServer: true })
  await using host = await LiveHost.start({
    prepare: (server) =>
      server.on('upgrade', (req, socket, head) => {
        if (req.url === '/chat') echo.handleUpgrade(req, socket, head, (peer) => peer.send('chat'))
      }),
  })
  const chat = new WebSocket(`${host.url.replace('http', 'ws')}/chat`)
  const [greeting] = await once(chat, 'message')
  assert.equal(String(greeting), 'chat')
  chat.terminate()
  await using _tab = await host.openTab(await host.signIn('ada'))
})

test('a socket outlives the time that the host gives its idle connections', async () => {
  await using host = await LiveHost.start({
    prepare: (server) => server.on('connection', (socket) => socket.setTimeout(200, () => socket.destroy())),
  })
  await using tab = await host.openTab(await host.signIn('ada'))
  // Opened later, so that its time is over later.
  const idle = await openRaw(host.port)
  idle.resume()
  await once(idle, 'end')
  idle.destroy()
  assert.equal(tab.closed, undefined)
  tab.socket.send('{"type":"sync"}')
  await eventually(
    () => tab.frames.some((frame) => frame.type === 'unread'),
    () => `no answer to sync, closed with ${tab.closed}`,
  )
})

test('with no other listener, other paths are answered with 404', async () => {
  await using host = await LiveHost.start()
  const paths = [
    '/',
    '/notifications',
    '/notifications/socket/',
    '/notifications/socket/x',
    '/notifications/Socket',
    '//notifications/socket',
    '/%',
    '*',
  ]
  for (const path of paths) expectRefused(await upgrade({ port: host.port, path }), 404)
})

test('two instances on one server each answer their own path, and neither leaves a stranger hanging', async () => {
  await using host = await LiveHost.start()
  await using other = await LiveHost.start({ basePath: '/alerts' })
  other.notifications.attach(host.server)
  assert.equal((await upgrade({ port: host.port })).status, 401)
  assert.equal((await upgrade({ port: host.port, path: '/alerts/socket' })).status, 401)
  expectRefused(await upgrade({ port: host.port, path: '/neither' }), 404)
})

test('a client that resets its socket at any moment of the handshake harms nobody', async () => {
  const store = new MoodyStore()
  await using host = await LiveHost.start({ store })
  const Cookie = await host.signIn('ada')
  for (const mood of ['well', 'silent', 'failing'] as const) {
    store.mood = mood
    for (let i = 0; i < 10; i++) {
      const socket = await openRaw(host.port)
      socket.write(handshake({ port: host.port, headers: { Cookie } }))
      if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      socket.resetAndDestroy()
    }
  }
  await eventually(
    () => host.sockets.size === 0,
    () => `${host.sockets.size} sockets are left`,
  )
  store.mood = 'well'
  assert.equal(await host.metric('belfry_connections'), 0)
  await using _tab = await host.openTab(Cookie)
})

test('frames that come right behind the handshake are read', async () => {
  await using host = await LiveHost.start()
  const socket = await openRaw(host.port)
  const binary = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1])
  socket.write(handshake({ port: host.port, headers: { Cookie: await host.signIn('ada') }, rest: binary }))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await eventually(
    () => Buffer.concat(chunks).includes(Buffer.from([0x88, 0x02, 0x03, 0xeb])),
    () => 'no close frame with 1003',
  )
  socket.destroy()
})

test('the upgrade sets no cookie and does not extend the session', async () => {
  const store = new MemoryStore()
  let touched = 0
  const touch = store.touch.bind(store)
  store.touch = (id, session, callback) => {
    touched++
    touch(id, session, callback)
  }
  await using host = await LiveHost.start({ store, maxAge: 60_000 })
  const cookie = await host.signIn('ada')
  await using tab = new Tab(host.url, cookie)
  const [response] = await once(tab.socket, 'upgrade')
  await tab.opened
  assert.equal(response.headers['set-cookie'], undefined)
  assert.equal(touched, 0)
})
