import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Request, RequestHandler } from 'express'
import { MemoryStore, type SessionData } from 'express-session'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { LiveHost } from '../helpers/live-host.js'
import { Tab } from '../helpers/visitor.js'

/** A store that tells of absent sessions by an error, and can be emptied or broken from outside, as another process would. */
class OutsideStore extends MemoryStore {
  out = false
  /** What it holds is no session: records without a cookie. */
  spoilt = false
  readonly gone = new Set<string>()
  reads = 0

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.reads++
    if (this.out) return void setImmediate(callback, new Error('the store is out'))
    if (this.gone.has(id)) return void setImmediate(callback, Object.assign(new Error('no such session'), { code: 'ENOENT' }))
    if (this.spoilt) return void setImmediate(callback, null, {} as SessionData)
    super.get(id, callback)
  }
}

async function expectClosed(tab: Tab, within: number): Promise<void> {
  await eventually(
    () => tab.closed === 4401,
    () => `4401 expected, got ${tab.closed}`,
    within,
  )
}

test('an expired session closes its sockets within a second, as an open socket never extends it', async () => {
  await using host = await LiveHost.start({ maxAge: 700 })
  const began = performance.now()
  await using tab = await host.openTab(await host.signIn('ada'))
  await expectClosed(tab, 1700)
  assert.ok(performance.now() - began > 600, 'closed too early')
})

test('a session that is used meanwhile lives on, and so does its socket', async () => {
  await using host = await LiveHost.start({ maxAge: 1000 })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  const began = performance.now()
  await eventually(
    async () => {
      await host.visit('/ping', cookie)
      return performance.now() - began > 2500
    },
    () => 'unreachable',
  )
  assert.equal(tab.closed, undefined)
  await expectClosed(tab, 2000)
})

test('a store that keeps its deadlines beside the sessions is watched as exactly', async () => {
  class BesideStore extends MemoryStore {
    readonly deadlines = new Map<string, number>()

    override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
      super.get(id, (error: unknown, session?: SessionData | null) => {
        const deadline = this.deadlines.get(id) ?? 0
        // As it was written first, and long past: only the store knows better.
        const stale = session ? { ...session, cookie: { ...session.cookie, expires: new Date(deadline - 60_000) } } : null
        callback(error, deadline > Date.now() ? stale : null)
      })
    }

    override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
      this.deadlines.set(id, Number(session.cookie.expires))
      super.set(id, { ...session, cookie: { ...session.cookie, expires: null } } as SessionData, callback)
    }

    override touch(id: string, session: SessionData, callback?: () => void): void {
      this.deadlines.set(id, Number(session.cookie.expires))
      setImmediate(() => callback?.())
    }
  }
  const store = new BesideStore()
  await using host = await LiveHost.start({ store, maxAge: 900 })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  const began = performance.now()
  let used = began
  await eventually(
    async () => {
      await host.visit('/ping', cookie)
      used = performance.now()
      return used - began > 2500
    },
    () => 'unreachable',
  )
  assert.equal(tab.closed, undefined)
  await expectClosed(tab, 1900)
  assert.ok(performance.now() - used > 700, 'closed too early')
})

test('who is signed out, and keeps the session, is told nothing any more', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await using elsewhere = await host.openTab(await host.signIn('ada'))
  await host.visit('/forget', cookie, 'POST')
  await expectClosed(tab, 1000)
  assert.equal(elsewhere.closed, undefined)
})

test('somebody else who signs in in the same session gets a socket, and those of the one before end, however slow the host is', async () => {
  const identify = async ({ session: { user } }: Request) => {
    await pause(100)
    return user === undefined ? null : { id: user }
  }
  await using host = await LiveHost.start({ identify })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await host.signIn('bob', [], cookie)
  await using next = await host.openTab(cookie)
  await expectClosed(tab, 1000)
  await host.notifications.notify({ to: { user: 'bob' }, title: 'For bob' })
  await eventually(() => next.state?.unread === 1, 'bob is told')
  assert.equal(next.closed, undefined)
  assert.ok(tab.frames.every((frame) => frame.type === 'heartbeat' || frame.unread === 0))
})

/** An `identify` that is held up at the gate where a socket of ada's asks. */
function slowForAdasSockets(gate: Gate) {
  return async ({ session: { user }, url }: Request) => {
    if (user === 'ada' && url.startsWith('/notifications/socket')) await gate.pass()
    return user === undefined ? null : { id: user }
  }
}

test('a socket of the one before that the host is slow to let in ends, and that of whoever signed in since stays', async () => {
  const gate = new Gate()
  await using host = await LiveHost.start({ identify: slowForAdasSockets(gate) })
  const cookie = await host.signIn('ada')
  const slow = new Tab(host.url, cookie)
  await gate.heldUp()
  await host.signIn('bob', [], cookie)
  await using tab = await host.openTab(cookie)
  gate.open()
  await expectClosed(slow, 1000)
  await host.notifications.notify({ to: { user: 'bob' }, title: 'For bob' })
  await eventually(() => tab.state?.unread === 1, 'bob is told')
  assert.deepEqual([slow.frames, tab.closed], [[], undefined])
})

test('what a slow host says late of who was there before costs whoever signed in since no socket', async () => {
  const gate = new Gate()
  let asked = 0
  const identify = async ({ session: { user }, url }: Request) => {
    // The first time by the visit itself, the second time as its session was saved.
    if (url === '/topics/x' && ++asked === 2) await gate.pass()
    return user === undefined ? null : { id: user }
  }
  await using host = await LiveHost.start({ identify })
  const cookie = await host.signIn('ada')
  await using before = await host.openTab(cookie)
  await host.visit('/topics/x', cookie, 'POST')
  await gate.heldUp()
  await host.signIn('bob', [], cookie)
  await expectClosed(before, 1000)
  await using first = await host.openTab(cookie)
  gate.open()
  await host.visit('/ping', cookie)
  await using second = await host.openTab(cookie)
  await host.notifications.notify({ to: { user: 'bob' }, title: 'For bob' })
  await eventually(() => second.state?.unread === 1, 'bob is told')
  await eventually(() => first.state?.unread === 1 || first.closed !== undefined, 'the first tab is told, or ends')
  assert.equal(first.closed, undefined)
})

for (const { what, change } of [
  { what: 'somebody else signs in', change: (host: LiveHost, cookie: string) => host.signIn('bob', [], cookie) },
  { what: 'the host signs them out, and keeps the session', change: (host: LiveHost, cookie: string) => host.visit('/forget', cookie, 'POST') },
]) {
  test(`a socket that the host is slow to let in ends where ${what} meanwhile, though no other is open`, async () => {
    const gate = new Gate()
    await using host = await LiveHost.start({ identify: slowForAdasSockets(gate) })
    const cookie = await host.signIn('ada')
    const slow = new Tab(host.url, cookie)
    await gate.heldUp()
    await change(host, cookie)
    gate.open()
    await expectClosed(slow, 1000)
  })
}

test('a socket that the host is slow to let in stays where its session is saved for something else meanwhile', async () => {
  const gate = new Gate()
  await using host = await LiveHost.start({ identify: slowForAdasSockets(gate) })
  const cookie = await host.signIn('ada')
  await using slow = new Tab(host.url, cookie)
  await gate.heldUp()
  await host.visit('/topics/x', cookie, 'POST')
  gate.open()
  await host.notifications.notify({ to: { user: 'ada' }, title: 'Still here' })
  await eventually(() => slow.state?.unread === 1, 'ada is told')
  assert.equal(slow.closed, undefined)
})

test('the same where another process has saved the session, and not a word was heard', async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  const [[id, text] = ['', '']] = Object.entries((store as unknown as { sessions: Record<string, string> }).sessions)
  MemoryStore.prototype.set.call(store, id, { ...JSON.parse(text), user: 'bob' })
  await using next = await host.openTab(cookie)
  await expectClosed(tab, 1000)
  await host.notifications.notify({ to: { user: 'bob' }, title: 'For bob' })
  await eventually(() => next.state?.unread === 1, 'bob is told')
})

/** Two who ask at the same moment with one session, which another process saves as bob's just after it was read for one of them. */
async function askingTogether(): Promise<void> {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store })
  const cookie = await host.signIn('ada')
  const [[id, text] = ['', '']] = Object.entries((store as unknown as { sessions: Record<string, string> }).sessions)
  store.get = (_id, callback) => {
    MemoryStore.prototype.get.call(store, id, callback)
    MemoryStore.prototype.set.call(store, id, { ...JSON.parse(text), user: 'bob' })
  }
  await using one = new Tab(host.url, cookie)
  await using other = new Tab(host.url, cookie)
  const tabs = [one, other]
  await eventually(
    () => tabs.some(({ closed }) => closed === 4401),
    () => `one was to end: ${one.closed}, ${other.closed}`,
  )
  await host.notifications.notify({ to: { user: 'bob' }, title: 'For bob' })
  await eventually(() => tabs.some(({ state }) => state?.unread === 1), 'bob is told')
}

test('the same however close behind each other the two come in', async () => {
  // Only some of them are within the same millisecond.
  for (let i = 0; i < 20; i++) await askingTogether()
})

test('a session that is saved for something else keeps its sockets', async () => {
  await using host = await LiveHost.start()
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await host.visit('/topics/x', cookie, 'POST')
  await host.signIn('ada', ['y'], cookie)
  await host.notifications.notify({ to: { user: 'ada' }, title: 'Still here' })
  await eventually(() => tab.state?.unread === 1, 'ada is told')
  assert.equal(tab.closed, undefined)
})

for (const { where, open } of [
  { where: 'nobody has anything open', open: async () => undefined },
  { where: 'a tab is open', open: (host: LiveHost, cookie: string) => host.openTab(cookie) },
]) {
  test(`where every request saves its session, the host is asked once for each while it stays as it is: ${where}`, async () => {
    let asked = 0
    const identify = ({ session: { user } }: Request) => {
      asked++
      return user === undefined ? null : { id: user }
    }
    await using host = await LiveHost.start({ identify, resave: true, maxAge: 60_000 })
    const cookie = await host.signIn('ada')
    await using tab = await open(host, cookie)
    await host.visit('/ping', cookie)
    const before = asked
    for (let visits = 0; visits < 5; visits++) await host.visit('/ping', cookie)
    assert.equal(asked - before, 5)
    await host.visit('/topics/x', cookie, 'POST')
    assert.equal(asked - before, 7, 'what is in it has changed')
    assert.equal(tab?.closed, undefined)
  })
}

test('where every request saves its session, whoever the host knows no more ends with their next request, though nothing in it has changed', async () => {
  const disabled = new Set<string>()
  const identify = ({ session: { user = '' } }: Request) => (user === '' || disabled.has(user) ? null : { id: user })
  await using host = await LiveHost.start({ identify, resave: true })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await host.visit('/ping', cookie)
  await host.visit('/ping', cookie)
  assert.equal(tab.closed, undefined)
  disabled.add('ada')
  await host.visit('/ping', cookie)
  await expectClosed(tab, 1000)
})

test('where every request saves its session, one that changes hands and comes back ends what is open each time', async () => {
  await using host = await LiveHost.start({ resave: true })
  const cookie = await host.signIn('ada')
  for (const next of ['bob', 'ada', 'bob']) {
    await using tab = await host.openTab(cookie)
    await host.visit('/ping', cookie)
    await host.visit('/ping', cookie)
    assert.equal(tab.closed, undefined)
    await host.signIn(next, [], cookie)
    await expectClosed(tab, 1000)
  }
})

test('a host that cannot say who is there keeps the sockets, and is warned', async () => {
  let broken = false
  const identify = (req: Request) => {
    if (broken) throw new Error('the directory is out')
    return req.session.user === undefined ? null : { id: req.session.user }
  }
  const between: RequestHandler = (req, res, next) => {
    if (req.path !== '/save') return next()
    req.session.topics = ['y']
    res.send('saved')
  }
  await using host = await LiveHost.start({ identify, between })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  broken = true
  await host.visit('/save', cookie)
  await eventually(() => host.warnings.some((text) => text.startsWith('who is there could not be asked')), 'the host is warned')
  assert.equal(tab.closed, undefined)
})

test('a store that is out at the deadline closes nobody; afterwards the deadline counts again', { timeout: 20_000 }, async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store, maxAge: 600 })
  await using tab = await host.openTab(await host.signIn('ada'))
  store.out = true
  const { reads } = store
  await eventually(
    () => store.reads > reads,
    () => 'the store was not asked',
  )
  await eventually(
    () => host.warnings.length > 0,
    () => 'nobody was warned',
  )
  assert.equal(tab.closed, undefined)
  store.out = false
  await expectClosed(tab, 5000)
})

test('of a store that is out is warned once an outage, however many sessions are looked for in it', { timeout: 40_000 }, async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store, maxAge: 600 })
  for (const outage of [1, 2]) {
    const tabs = await Promise.all(['ada', 'bo', 'cy'].map(async (user) => host.openTab(await host.signIn(user))))
    store.out = true
    const { reads } = store
    // Each of them twice.
    await eventually(
      () => store.reads >= reads + 6,
      () => `the store was asked ${store.reads - reads} times`,
      8000,
    )
    assert.equal(host.warnings.length, outage)
    store.out = false
    for (const tab of tabs) await expectClosed(tab, 5000)
  }
})

test('a store that tells of an absent session by ENOENT is understood', async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store, maxAge: 600 })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  store.gone.add(
    decodeURIComponent(cookie)
      .replace(/^connect\.sid=s:/, '')
      .split('.')[0] ?? '',
  )
  await expectClosed(tab, 1700)
})

test('a record that is no session any more closes its sockets as if it were gone', async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store, maxAge: 600 })
  await using tab = await host.openTab(await host.signIn('ada'))
  store.spoilt = true
  await expectClosed(tab, 1700)
})

test('a session that vanished elsewhere without a word closes its sockets within half a minute', { timeout: 40_000 }, async () => {
  const store = new OutsideStore()
  await using host = await LiveHost.start({ store })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await using other = await host.openTab(await host.signIn('bo'))
  store.gone.add(
    decodeURIComponent(cookie)
      .replace(/^connect\.sid=s:/, '')
      .split('.')[0] ?? '',
  )
  await expectClosed(tab, 32_000)
  assert.equal(other.closed, undefined)
})

test('a store that is emptied closes the sockets of all who were signed in, within a second', async () => {
  const store = new MemoryStore()
  await using host = await LiveHost.start({ store })
  await using ada = await host.openTab(await host.signIn('ada'))
  await using bo = await host.openTab(await host.signIn('bo'))
  await new Promise<void>((resolve) => store.clear(() => resolve()))
  const cookie = await host.signIn('cy')
  await using cy = await host.openTab(cookie)
  for (const tab of [ada, bo]) await expectClosed(tab, 1000)
  assert.equal(cy.closed, undefined)
})

test('somebody who is known by a token, whose session was never saved, gets no connection that would end as signed out, and polls', async () => {
  const causes: string[] = []
  const warn = ({ err }: { err?: Error }) => void causes.push(err?.message ?? '')
  await using host = await LiveHost.start({
    identify: (req) => (req.get('cookie')?.includes('token=ada') ? { id: 'ada' } : null),
    logger: { info() {}, warn, error: warn },
  })
  const statuses = []
  for (const path of ['stream', 'unread']) statuses.push((await host.visit(`/notifications/${path}`, 'token=ada')).status)
  assert.deepEqual(statuses, [503, 200])
  await assert.rejects(host.openTab('token=ada'), /503/)
  assert.match(causes[1] ?? '', /identify knows somebody whose session was never saved/)
  const saved = await host.signIn('ada')
  await using tab = await host.openTab(`${saved}; token=ada`)
  await host.notifications.notify({ to: { user: 'ada' }, title: 'For ada' })
  await eventually(() => tab.state?.unread === 1, 'ada is told')
})

test("a destroy of the host's that fails closes nothing, and the host is told", async () => {
  const store = new MemoryStore()
  store.destroy = (_id, callback) => void setImmediate(() => callback?.(new Error('read-only')))
  await using host = await LiveHost.start({ store })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  await host.visit('/sign-out', cookie, 'POST')
  await host.notifications.notify({ to: { user: 'ada' }, title: 'Still here' })
  await eventually(
    () => tab.state?.unread === 1,
    () => 'no news',
  )
  assert.equal(tab.closed, undefined)
})
