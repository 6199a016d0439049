import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { WebSocket } from 'ws'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { LiveHost } from '../helpers/live-host.js'
import { handshake, openRaw, upgrade } from '../helpers/raw-upgrade.js'
import type { Tab } from '../helpers/visitor.js'

async function expectBadge(tab: Tab, unread: number): Promise<void> {
  await eventually(
    () => tab.state?.unread === unread,
    () => `${unread} expected, got ${JSON.stringify(tab.state)}`,
    1000,
  )
}

async function expectClosed(tab: Tab, code: number, within = 1000): Promise<void> {
  await eventually(
    () => tab.closed === code,
    () => `${code} expected, got ${tab.closed}`,
    within,
  )
}

/** Versions only rise, and no number is ever negative. */
function expectOrderly(tab: Tab): void {
  let version = -1
  for (const frame of tab.frames) {
    if (frame.type !== 'unread') version = Math.max(version, frame.version - (frame.type === 'hello' ? 1 : 0))
    else {
      assert.ok(frame.version > version, `version ${frame.version} after ${version}`)
      version = frame.version
    }
    if (frame.type !== 'heartbeat') assert.ok(frame.unread >= 0)
  }
}

test('topics that were taken away stay so, although a request from before is answered later', async () => {
  let topics = ['role:admin']
  const gate = new Gate()
  await using host = await LiveHost.start({
    identify: async (req) => {
      if (req.session.user === undefined) return null
      const asked = topics
      if (req.originalUrl.endsWith('?slowly')) await gate.pass()
      return { id: 'ada', topics: asked }
    },
    topicsOf: () => ({ id: 'ada', topics }),
  })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  const slow = host.visit('/notifications/unread?slowly', cookie)
  await gate.heldUp()
  topics = []
  await host.notifications.refresh('ada')
  gate.open()
  assert.equal((await slow).status, 200)
  await host.notifications.notify({ to: { topic: 'role:admin' }, title: 'For admins' })
  await host.notifications.notify({ to: { user: 'ada' }, title: 'For ada' })
  await eventually(() => tab.state?.unread === 1, 'ada is told of her own')
  assert.equal(await host.notifications.unreadCount('ada'), 1)
  assert.ok(!JSON.stringify(tab.frames).includes('For admins'))
})

test('every tab of every person shows the exact count within a second of any change', async () => {
  await using host = await LiveHost.start()
  const ada = await host.signIn('ada', ['role:editor'])
  const bo = await host.signIn('bo')
  await using first = await host.openTab(ada)
  await using second = await host.openTab(ada)
  await using other = await host.openTab(bo)
  const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'For Ada' })
  for (const tab of [first, second]) await expectBadge(tab, 1)
  await host.notifications.notify({ to: { topic: 'role:editor' }, title: 'For editors' })
  for (const tab of [first, second]) await expectBadge(tab, 2)
  await host.notifications.notify({ to: 'everyone', title: 'For all' })
  for (const tab of [first, second]) await expectBadge(tab, 3)
  await expectBadge(other, 1)
  await host.notifications.markAsRead('ada', id)
  for (const tab of [first, second]) await expectBadge(tab, 2)
  await host.notifications.recall(id)
  assert.equal(other.frames.filter((frame) => frame.type === 'unread').length, 1, 'Bo was told of what is not his')
  for (const tab of [first, second, other]) expectOrderly(tab)
})

test('a frame names the newest notification where one arrived, and only there', async () => {
  await using host = await LiveHost.start()
  await host.notifications.notify({ to: { user: 'ada' }, title: 'From before' })
  await using tab = await host.openTab(await host.signIn('ada'))
  await expectBadge(tab, 1)
  const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'News' })
  await expectBadge(tab, 2)
  await host.notifications.markAsRead('ada', id)
  await expectBadge(tab, 1)
  const titles = tab.frames.map((frame) => (frame.type === 'unread' ? (frame.latest?.title ?? null) : frame.type))
  assert.deepEqual(titles, ['hello', 'News', null])
})

test('twenty tabs of one person all follow, at the cost of one reading', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  const tabs = await Promise.all(Array.from({ length: 20 }, () => host.openTab(cookie)))
  for (const tab of tabs) await expectBadge(tab, 0)
  for (let i = 0; i < 50; i++) await host.notifications.notify({ to: { user: 'ada' }, title: `News ${i}` })
  for (const tab of tabs) await expectBadge(tab, 50)
  for (const tab of tabs) expectOrderly(tab)
  assert.equal(await host.metric('belfry_connections'), 20)
  for (const tab of tabs) await tab[Symbol.asyncDispose]()
  await eventually(
    async () => (await host.metric('belfry_connections')) === 0,
    () => 'closed tabs are still counted',
  )
})

test('somebody who joins a topic while connected is told of what is sent to it', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await expectBadge(tab, 0)
  await host.visit('/topics/late', cookie, 'POST')
  await host.visit('/ping', cookie)
  await host.notifications.notify({ to: { topic: 'late' }, title: 'For the late' })
  await expectBadge(tab, 1)
})

test('sync is answered even when nothing changed, and asking without pause by a few answers', async () => {
  await using host = await LiveHost.start()
  await using tab = await host.openTab(await host.signIn('ada'))
  await expectBadge(tab, 0)
  const answers = () => tab.frames.filter((frame) => frame.type === 'unread')
  tab.socket.send('{"type":"sync"}')
  await eventually(
    () => answers().length === 1,
    () => 'no answer to sync',
  )
  assert.deepEqual(answers()[0], { type: 'unread', ...(await host.notifications.state('ada')) })
  const began = performance.now()
  for (let i = 0; i < 200; i++) {
    tab.socket.send('{"type":"sync"}')
    tab.socket.ping()
    await once(tab.socket, 'pong')
  }
  const most = 2 + (performance.now() - began) / 250
  assert.ok(answers().length <= most, `${answers().length} answers`)
  await host.notifications.notify({ to: { user: 'ada' }, title: 'News' })
  await expectBadge(tab, 1)
})

for (const [what, frame, code] of [
  ['text that is not JSON', 'hello', 1008],
  ['JSON that is no frame', '[]', 1008],
  ['a frame without a type', '{"version":1}', 1008],
  ['a binary frame', Buffer.from('{"type":"sync"}'), 1003],
  ['more than 1,024 bytes', JSON.stringify({ type: 'sync', pad: 'x'.repeat(1024) }), 1009],
] as const) {
  test(`${what} closes the socket with ${code}`, async () => {
    await using host = await LiveHost.start()
    await using tab = await host.openTab(await host.signIn('ada'))
    tab.socket.send(frame)
    await expectClosed(tab, code)
    await eventually(
      async () => (await host.metric('belfry_connections')) === 0,
      () => 'it is still counted',
    )
  })
}

test('unknown types and a frame of exactly 1,024 bytes are ignored', async () => {
  await using host = await LiveHost.start()
  await using tab = await host.openTab(await host.signIn('ada'))
  tab.socket.send('{"type":"later","more":[1,2]}')
  const frame = JSON.stringify({ type: 'x', pad: '' })
  tab.socket.send(frame.replace('""', `"${'y'.repeat(1024 - frame.length)}"`))
  tab.socket.send('{"type":"sync"}')
  await eventually(
    () => tab.frames.some((frame) => frame.type === 'unread'),
    () => 'no answer to sync',
  )
  assert.equal(tab.closed, undefined)
})

test('a flood of frames closes the socket with 1008', async () => {
  await using host = await LiveHost.start()
  await using tab = await host.openTab(await host.signIn('ada'))
  for (let i = 0; i < 1100; i++) tab.socket.send('{"type":"other"}')
  await expectClosed(tab, 1008, 5000)
})

test('a message dribbled in endless fragments closes the socket', async () => {
  await using host = await LiveHost.start()
  await using tab = await host.openTab(await host.signIn('ada'))
  for (let i = 0; i < 40; i++) tab.socket.send('', { fin: false })
  await eventually(
    () => tab.closed !== undefined,
    () => 'it is still open',
  )
})

test('heartbeats carry the version, each with a ping', async () => {
  await using host = await LiveHost.start({ heartbeat: 0.2 })
  await using tab = await host.openTab(await host.signIn('ada'))
  let pings = 0
  tab.socket.on('ping', () => pings++)
  await eventually(
    () => pings >= 3,
    () => `${pings} pings`,
  )
  const beats = tab.frames.filter((frame) => frame.type === 'heartbeat')
  assert.ok(beats.length >= 3)
  const { version } = await host.notifications.state('ada')
  assert.deepEqual(beats.at(-1), { type: 'heartbeat', version })
})

test('a peer that answers no ping is dropped after two heartbeats, and nobody else', async () => {
  await using host = await LiveHost.start({ heartbeat: 0.3 })
  await using lively = await host.openTab(await host.signIn('ada'))
  const dead = new WebSocket(`${host.url.replace('http', 'ws')}/notifications/socket`, 'belfry.v1', {
    autoPong: false,
    headers: { cookie: await host.signIn('bo'), origin: host.url },
  })
  const began = performance.now()
  await once(dead, 'close')
  const took = performance.now() - began
  assert.ok(took > 300 && took < 3000, `dropped after ${took} ms`)
  assert.equal(lively.closed, undefined)
  assert.equal(await host.metric('belfry_connections'), 1)
})

/** The longest that a notification can be: some 20 kB as a frame. */
const bulky = { title: 'News', body: '\u{1F514}'.repeat(5000) }

/** A socket that is open and greeted, and then not read any more. */
async function openUnread(host: LiveHost, cookie: string): Promise<Socket> {
  const socket = await openRaw(host.port)
  socket.write(handshake({ port: host.port, headers: { Cookie: cookie } }))
  await once(socket, 'data')
  return socket.pause()
}

/** Notifies somebody until a socket of theirs holds bytes that the kernel would not take; returns how many it took. */
async function clog(host: LiveHost, user: string): Promise<number> {
  let sent = 0
  while (backlog(host) === 0 && sent < 5000) {
    await host.notifications.notify({ to: { user }, ...bulky })
    sent++
  }
  assert.ok(backlog(host) > 0, 'the kernel took everything')
  return sent
}

const backlog = (host: LiveHost) => [...host.sockets].reduce((sum, socket) => sum + socket.writableLength, 0)

test('a slow reader gets the latest state and not the queue, and costs the others nothing', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using lively = await host.openTab(cookie)
  const slow = await openUnread(host, cookie)
  const sent = await clog(host, 'ada')
  const held = backlog(host)
  for (let i = 0; i < 200; i++) await host.notifications.notify({ to: { user: 'ada' }, ...bulky })
  await expectBadge(lively, sent + 200)
  assert.equal(backlog(host), held, 'more was queued for a reader who does not read')
  let text = ''
  slow.setEncoding('latin1').on('data', (chunk: string) => {
    text = (text + chunk).slice(-40_000)
  })
  slow.resume()
  await eventually(
    () => text.includes(`"unread":${sent + 200},`),
    () => 'the slow reader did not get the latest state',
  )
  slow.destroy()
})

test('a reader who never reads again is dropped after ten seconds, and nobody else', { timeout: 60_000 }, async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using lively = await host.openTab(cookie)
  const slow = await openUnread(host, cookie)
  await clog(host, 'ada')
  await host.notifications.notify({ to: { user: 'ada' }, title: 'One more' })
  await eventually(
    async () => (await host.metric('belfry_connections')) === 1,
    () => 'the slow reader is still held',
    14_000,
  )
  assert.equal(lively.closed, undefined)
  slow.destroy()
})

test('signing out closes the sockets of that session with 4401 within a second, and no others', async () => {
  await using host = await LiveHost.start()
  const here = await host.signIn('ada')
  const there = await host.signIn('ada')
  await using first = await host.openTab(here)
  await using second = await host.openTab(here)
  await using elsewhere = await host.openTab(there)
  await host.visit('/sign-out', here, 'POST')
  for (const tab of [first, second]) await expectClosed(tab, 4401)
  assert.equal(elsewhere.closed, undefined)
  await assert.rejects(host.openTab(here), /401/)
})

test("the host's plain regenerate() closes the sockets of the old session", async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await host.visit('/regenerate', cookie, 'POST')
  await expectClosed(tab, 4401)
})

test('disconnect closes the sockets of a user, or of a session', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using ada = await host.openTab(cookie)
  await using again = await host.openTab(await host.signIn('ada'))
  await using bo = await host.openTab(await host.signIn('bo'))
  const id =
    decodeURIComponent(cookie)
      .replace(/^connect\.sid=s:/, '')
      .split('.')[0] ?? ''
  await host.notifications.disconnect({ session: id })
  await expectClosed(ada, 4401)
  assert.equal(again.closed, undefined)
  await host.notifications.disconnect({ user: 'ada' })
  await expectClosed(again, 4401)
  assert.equal(bo.closed, undefined)
})

test('a socket that was still being opened when its user was disconnected is closed, too', async () => {
  let admit = () => {}
  let waiting = false
  await using host = await LiveHost.start({
    identify: async (req) => {
      if (req.headers.upgrade !== undefined) {
        waiting = true
        await new Promise<void>((resolve) => {
          admit = resolve
        })
      }
      return req.session.user === undefined ? null : { id: req.session.user }
    },
  })
  const opening = host.openTab(await host.signIn('ada'))
  await eventually(
    () => waiting,
    () => 'identify was not asked',
  )
  await host.notifications.disconnect({ user: 'ada' })
  admit()
  await using tab = await opening
  await expectClosed(tab, 4401)
})

test('closing sends 1012 to every socket, cuts off those that do not answer, and takes no more', async () => {
  const host = await LiveHost.start()
  const ada = await host.signIn('ada')
  const tabs = await Promise.all(Array.from({ length: 20 }, () => host.openTab(ada)))
  const deaf = await openUnread(host, await host.signIn('bo'))
  const began = performance.now()
  const closed = host.notifications.close()
  const late = await upgrade({ port: host.port, headers: { Cookie: ada } })
  assert.equal(late.status, 503)
  assert.ok(Number(late.headers.get('retry-after')) > 0)
  await closed
  await host[Symbol.asyncDispose]()
  assert.ok(performance.now() - began < 4000)
  for (const tab of tabs) await expectClosed(tab, 1012)
  assert.equal(await host.metric('belfry_connections'), 0)
  await eventually(
    () => host.sockets.size === 0,
    () => `${host.sockets.size} sockets are left`,
  )
  deaf.destroy()
})

/** A database of the host's that counts how often somebody looks for what was written to it. */
function countingLooks(): { database: Sqlite.Database; looks: () => number } {
  let count = 0
  const verbose = (sql: unknown) => {
    if (String(sql).startsWith('SELECT n, audience, at FROM notification_changes')) count++
  }
  return { database: new Sqlite(':memory:', { verbose }), looks: () => count }
}

test('a host to which nobody is connected looks far less often for what other programs wrote, and as often as ever when somebody comes', async () => {
  const [quiet, busy] = [countingLooks(), countingLooks()]
  await using host = await LiveHost.start({ database: quiet.database })
  await using other = await LiveHost.start({ database: busy.database })
  await using _attending = await other.openTab(await other.signIn('ada'))
  /** While the other one looks sixty times. */
  const looksMeanwhile = async () => {
    const [mine, others] = [quiet.looks(), busy.looks()]
    await eventually(() => busy.looks() >= others + 60, 'sixty looks')
    return quiet.looks() - mine
  }
  assert.ok((await looksMeanwhile()) < 15)
  const tab = await host.openTab(await host.signIn('bob'))
  quiet.database.exec(`INSERT INTO notifications (audience, title) VALUES ('user:bob', 'By another program')`)
  await expectBadge(tab, 1)
  assert.ok((await looksMeanwhile()) > 30)
  await tab[Symbol.asyncDispose]()
  await eventually(() => host.sockets.size === 0, 'the socket gone')
  assert.ok((await looksMeanwhile()) < 15)
  quiet.database.exec(`INSERT INTO notifications (audience, title) VALUES ('user:bob', 'By another program, again')`)
  await using later = await host.openTab(await host.signIn('bob'))
  await expectBadge(later, 2)
})
