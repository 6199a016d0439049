import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Request, RequestHandler } from 'express'
import { MemoryStore, type SessionData } from 'express-session'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { LiveHost } from '../helpers/live-host.js'
import { handshake, openRaw } from '../helpers/raw-upgrade.js'

interface Event {
  readonly event: string
  readonly id: string
  readonly data: { readonly version: number; readonly unread?: number; readonly epoch?: string; readonly latest?: { readonly title: string } }
}

/** An event stream that is read as it comes. */
class Stream implements AsyncDisposable {
  readonly answer: Response
  ended = false
  text = ''
  readonly #abort: AbortController
  readonly #read: Promise<void>

  private constructor(answer: Response, abort: AbortController) {
    this.answer = answer
    this.#abort = abort
    this.#read = this.#follow()
  }

  static async open(host: LiveHost, cookie: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
    const abort = new AbortController()
    const answer = await fetch(`${host.url}/notifications/stream`, { headers: { cookie, ...headers }, signal: abort.signal })
    return new Stream(answer, abort)
  }

  get events(): Event[] {
    const blocks = this.text.split('\n\n').slice(0, -1)
    return blocks
      .filter((block) => block.startsWith('event:'))
      .map((block) => {
        const [, event = '', id = '', data = ''] = /^event: (.*)\nid: (.*)\ndata: (.*)$/.exec(block) ?? []
        return { event, id, data: JSON.parse(data) }
      })
  }

  async #follow(): Promise<void> {
    try {
      for await (const chunk of this.answer.body ?? []) this.text += Buffer.from(chunk).toString()
    } catch {
      // Cut off, or aborted by the test itself.
    }
    this.ended = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    await this.#read
  }
}

async function expectUnread(stream: Stream, unread: number): Promise<void> {
  await eventually(
    () => stream.events.findLast(({ event }) => event !== 'heartbeat')?.data.unread === unread,
    () => `${unread} expected: ${stream.text}`,
    1000,
  )
}

test('a stream carries the same frames as the socket, as server-sent events', async () => {
  await using host = await LiveHost.start({ heartbeat: 0.3 })
  const cookie = await host.signIn('ada')
  await using stream = await Stream.open(host, cookie)
  assert.equal(stream.answer.status, 200)
  assert.match(stream.answer.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.equal(stream.answer.headers.get('cache-control'), 'private, no-cache, no-transform')
  assert.equal(stream.answer.headers.get('x-accel-buffering'), 'no')
  await expectUnread(stream, 0)
  await host.notifications.notify({ to: { user: 'ada' }, title: 'News' })
  await expectUnread(stream, 1)
  const { epoch, version, unread } = await host.notifications.state('ada')
  // One may have come before the news, on a slow machine.
  const heartbeat = () => stream.events.findLast(({ event }) => event === 'heartbeat')
  await eventually(
    () => heartbeat()?.data.version === version,
    () => 'no heartbeat of the new state',
  )
  const [hello, news] = stream.events.filter(({ event }) => event !== 'heartbeat')
  assert.deepEqual({ ...hello?.data }, { type: 'hello', epoch, version: version - 1, unread: 0, heartbeat: 0.3, reconnectWithin: 10 })
  assert.equal(news?.event, 'unread')
  assert.equal(news?.id, `${epoch}-${version}`)
  assert.equal(news?.data.unread, unread)
  assert.equal(news?.data.latest?.title, 'News')
  assert.deepEqual(heartbeat(), { event: 'heartbeat', id: `${epoch}-${version}`, data: { type: 'heartbeat', version } })
})

test('a stream counts as a connection, under the same caps', async () => {
  await using host = await LiveHost.start({ maxConnectionsPerUser: 2, maxConnections: 3 })
  const ada = await host.signIn('ada')
  await using first = await Stream.open(host, ada)
  await using _tab = await host.openTab(ada)
  assert.equal(await host.metric('belfry_connections'), 2)
  const full = await host.visit('/notifications/stream', ada)
  assert.equal(full.status, 429)
  assert.ok(Number(full.headers.get('retry-after')) > 0)
  assert.match(full.headers.get('content-type') ?? '', /^application\/problem\+json/)
  await using _other = await Stream.open(host, await host.signIn('bo'))
  assert.equal((await host.visit('/notifications/stream', await host.signIn('cy'))).status, 503)
  await first[Symbol.asyncDispose]()
  await eventually(
    async () => (await host.metric('belfry_connections')) === 2,
    () => 'a stream that was closed is still counted',
  )
})

test('of streams that are let in at the same moment no more are opened than one may have', async () => {
  let tell = () => {}
  const known = new Promise<void>((resolve) => {
    tell = resolve
  })
  let asked = 0
  const identify = async ({ session: { user }, originalUrl }: Request) => {
    if (originalUrl === '/notifications/stream' && ++asked > 0) await known
    return user === undefined ? null : { id: user }
  }
  await using host = await LiveHost.start({ maxConnectionsPerUser: 2, identify })
  const ada = await host.signIn('ada')
  const opening = Array.from({ length: 6 }, () => Stream.open(host, ada))
  await eventually(
    () => asked === 6,
    () => `${asked} were asked for`,
  )
  tell()
  const streams = await Promise.all(opening)
  for (const stream of streams) await stream[Symbol.asyncDispose]()
  const statuses = streams.map(({ answer }) => answer.status)
  assert.deepEqual(statuses.toSorted(), [200, 200, 429, 429, 429, 429])
})

test('a stream that is asked for behind another on the same connection is refused, and nothing of either is left', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  const socket = await openRaw(host.port)
  const request = `GET /notifications/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\n\r\n`
  socket.write(request + request)
  await eventually(
    async () => (await host.metric('belfry_upgrades_refused_total', { reason: 'protocol' })) === 1,
    () => 'the second was not refused',
  )
  assert.equal(await host.metric('belfry_connections'), 1)
  socket.destroy()
  await eventually(
    async () => (await host.metric('belfry_connections')) === 0,
    () => 'it is still counted',
  )
})

test('without a session a stream is refused with 401, from a foreign origin with 403', async () => {
  await using host = await LiveHost.start()
  assert.equal((await host.visit('/notifications/stream', '')).status, 401)
  const cookie = await host.signIn('ada')
  await using foreign = await Stream.open(host, cookie, { origin: 'https://evil.example' })
  assert.equal(foreign.answer.status, 403)
  await using own = await Stream.open(host, cookie, { origin: host.url })
  assert.equal(own.answer.status, 200)
})

/** How often a session of this store was extended from now on. */
function touches(store: MemoryStore): () => number {
  let touched = 0
  const touch = store.touch.bind(store)
  store.touch = (id, session, callback) => {
    touched++
    touch(id, session, callback)
  }
  return () => touched
}

const withoutParser: RequestHandler = (req, _res, next) => {
  req.app.set('query parser', false)
  next()
}

for (const [where, between] of [
  ['', (_req, _res, next) => next()],
  [', also in an app without a parser for queries', withoutParser],
] as readonly (readonly [string, RequestHandler])[])
  test(`what a page asks by itself is no reason for a session to last longer: no poll, no list that is read anew, no HEAD${where}`, async () => {
    const store = new MemoryStore()
    await using host = await LiveHost.start({ store, maxAge: 60_000, between })
    const cookie = await host.signIn('ada')
    const touched = touches(store)
    await host.visit('/notifications/stream', cookie, 'HEAD')
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const bell = await (await host.visit('/bell', cookie)).text()
    const mark = /data-user="([^"]+)"/.exec(bell)?.[1]
    assert.equal(touched(), 1, 'a page is')
    const script = { cookie, accept: 'application/json' }
    const asked = [
      fetch(`${host.url}/notifications/unread`, { headers: script }),
      fetch(`${host.url}/notifications?belfry-for=${mark}`, { headers: script }),
      fetch(`${host.url}/notifications/${id}?belfry-for=${mark}`, { method: 'HEAD', headers: script }),
    ]
    assert.deepEqual(
      (await Promise.all(asked)).map(({ status }) => status),
      [200, 200, 200],
    )
    assert.equal(touched(), 1)
    await fetch(`${host.url}/notifications`, { headers: script })
    assert.equal(touched(), 2, 'a list that somebody asks for is')
  })

test('HEAD opens no stream', async () => {
  await using host = await LiveHost.start()
  const answer = await host.visit('/notifications/stream', await host.signIn('ada'), 'HEAD')
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.equal(await host.metric('belfry_connections'), 0)
})

test('a stream ends with its session, and then answers 401', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using stream = await Stream.open(host, cookie)
  await expectUnread(stream, 0)
  await host.visit('/sign-out', cookie, 'POST')
  await eventually(
    () => stream.ended,
    () => 'it is still open',
    1000,
  )
  assert.equal((await host.visit('/notifications/stream', cookie)).status, 401)
})

/** A store that can be emptied without a word, as another process would, and whose answers can come late. */
class SlowStore extends MemoryStore {
  #gate: Gate | undefined
  #reads = 0
  #empty = false

  /** The gate that the answer to the nth reading from now on has to pass. */
  holdUp(nth: number): Gate {
    this.#reads = -nth
    this.#gate = new Gate()
    return this.#gate
  }

  forgetAll(): void {
    this.#empty = true
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (this.#empty) return void setImmediate(callback, null, null)
    const gate = ++this.#reads === 0 ? this.#gate : undefined
    super.get(id, (error: unknown, session?: SessionData | null) => {
      if (gate === undefined) callback(error, session)
      else void gate.pass().then(() => callback(error, session))
    })
  }
}

const isStream = ({ originalUrl }: { readonly originalUrl: string }) => originalUrl === '/notifications/stream'

async function expectEnded(stream: Stream): Promise<void> {
  await eventually(
    () => stream.ended,
    () => `it is still open: ${stream.text}`,
    1000,
  )
}

test('a stream ends with its session although that ended while the host was still busy with its request', async () => {
  const gate = new Gate()
  const between: RequestHandler = (req, _res, next) => void (isStream(req) ? gate.pass().then(next) : next())
  await using host = await LiveHost.start({ between })
  const cookie = await host.signIn('ada')
  const opening = Stream.open(host, cookie)
  await gate.heldUp()
  await host.visit('/sign-out', cookie, 'POST')
  // Stored behind it: all who are to hear of the sign-out have heard.
  await host.notifications.notify({ to: { user: 'ada' }, title: 'For whoever is signed in' })
  gate.open()
  await using stream = await opening
  await expectEnded(stream)
})

test('a stream that opens while its session is being looked for ends although that look still finds it', async () => {
  const gate = new Gate()
  const between: RequestHandler = (req, _res, next) => void (req.headers['x-late'] ? gate.pass().then(next) : next())
  const store = new SlowStore()
  await using host = await LiveHost.start({ store, between })
  const cookie = await host.signIn('ada')
  const opening = Stream.open(host, cookie, { 'x-late': 'yes' })
  await gate.heldUp()
  // The request of the first stream, and then the look.
  const look = store.holdUp(2)
  await using first = await Stream.open(host, cookie)
  await look.heldUp()
  store.forgetAll()
  gate.open()
  await using second = await opening
  look.open()
  for (const stream of [first, second]) await expectEnded(stream)
})

test('a stream whose user was disconnected while the host was still asked who it is ends at once', async () => {
  const gate = new Gate()
  await using host = await LiveHost.start({
    identify: async (req) => {
      if (isStream(req)) await gate.pass()
      return req.session.user === undefined ? null : { id: req.session.user }
    },
  })
  const opening = Stream.open(host, await host.signIn('ada'))
  await gate.heldUp()
  await host.notifications.disconnect({ user: 'ada' })
  gate.open()
  await using stream = await opening
  await expectEnded(stream)
})

test('a stream never extends its session, however it ends', async () => {
  const store = new MemoryStore()
  await using host = await LiveHost.start({ store, maxAge: 60_000 })
  const cookie = await host.signIn('ada')
  const touched = touches(store)
  await using stream = await Stream.open(host, cookie)
  await expectUnread(stream, 0)
  await host.notifications.disconnect({ user: 'ada' })
  await eventually(
    () => stream.ended,
    () => 'it is still open',
  )
  assert.equal(touched(), 0)
})

test('a stream on which there is always something to tell is not taken for dead', async () => {
  await using host = await LiveHost.start({ heartbeat: 0.3 })
  await using stream = await Stream.open(host, await host.signIn('ada'))
  await expectUnread(stream, 0)
  let telling = true
  const tell = async () => {
    while (telling) await host.notifications.notify({ to: { user: 'ada' }, title: 'News' })
  }
  const told = tell()
  await eventually(
    () => stream.ended || stream.text.split('event: heartbeat\n').length > 5,
    () => `no heartbeats among ${stream.text.length} characters`,
  )
  telling = false
  await told
  assert.equal(stream.ended, false)
})

test('closing ends every stream', async () => {
  const host = await LiveHost.start()
  await using stream = await Stream.open(host, await host.signIn('ada'))
  await expectUnread(stream, 0)
  await host.notifications.close()
  await eventually(
    () => stream.ended,
    () => 'it is still open',
  )
  assert.equal(await host.metric('belfry_connections'), 0)
  await host[Symbol.asyncDispose]()
})

test('a stream that nobody reads holds one state back, not the queue', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using lively = await host.openTab(cookie)
  const slow = await openRaw(host.port)
  slow.write(handshake({ port: host.port, path: '/notifications/stream', headers: { Cookie: cookie, Connection: null, Upgrade: null } }))
  await once(slow, 'data')
  slow.pause()
  const backlog = () => [...host.sockets].reduce((sum, socket) => sum + socket.writableLength, 0)
  const news = { to: { user: 'ada' }, title: 'News', body: '\u{1F514}'.repeat(5000) }
  let sent = 0
  for (; backlog() === 0 && sent < 5000; sent++) await host.notifications.notify(news)
  const held = backlog()
  assert.ok(held > 0, 'the kernel took everything')
  for (let i = 0; i < 50; i++) await host.notifications.notify(news)
  await eventually(
    () => lively.state?.unread === sent + 50,
    () => 'the other tab was held up',
  )
  assert.equal(backlog(), held)
  slow.destroy()
})

for (const { what, change } of [
  { what: 'somebody else signs in', change: (host: LiveHost, cookie: string) => host.signIn('bob', [], cookie) },
  { what: 'the host signs them out, and keeps the session', change: (host: LiveHost, cookie: string) => host.visit('/forget', cookie, 'POST') },
]) {
  for (const { slow, time } of [
    { slow: 1, time: 'first' },
    { slow: 2, time: 'second' },
  ]) {
    test(`a stream ends where ${what} while the host is asked for the ${time} time whose it is`, async () => {
      const gate = new Gate()
      let asked = 0
      const identify = async ({ session: { user }, originalUrl }: Request) => {
        if (originalUrl === '/notifications/stream' && ++asked === slow) await gate.pass()
        return user === undefined ? null : { id: user }
      }
      await using host = await LiveHost.start({ identify })
      const cookie = await host.signIn('ada')
      const opening = Stream.open(host, cookie)
      await gate.heldUp()
      await change(host, cookie)
      gate.open()
      await using stream = await opening
      await eventually(
        () => stream.ended,
        () => `answered ${stream.answer.status}, and still open`,
        1000,
      )
    })
  }
}
