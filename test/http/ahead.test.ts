import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { Express, Request } from 'express'
import { MemoryStore, type SessionData } from 'express-session'
import { Host } from '../helpers/embedded.js'
import { eventually } from '../helpers/eventually.js'

/** Counts what reaches the app. */
function counting(): { readonly before: (app: Express) => void; requests(): number } {
  let seen = 0
  const before = (app: Express) =>
    void app.use((req, res, next) => {
      if (req.path === '/notifications/unread') seen++
      res.set('X-App', 'yes')
      next()
    })
  return { before, requests: () => seen }
}

/** A store that fails as stores do. */
class FaultyStore extends MemoryStore {
  fault: 'none' | 'throws' | 'no session' | 'silent' = 'none'
  /** What it still owes, while it is silent. */
  readonly owed: (() => void)[] = []

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (this.fault === 'throws') throw new Error('the store is broken')
    if (this.fault === 'no session') setImmediate(callback, null, {} as SessionData)
    else if (this.fault === 'silent') this.owed.push(() => super.get(id, callback))
    else super.get(id, callback)
  }
}

describe('polls that are answered ahead of the app', () => {
  it('read as the app would answer them, after the app has let the cookie through once', async () => {
    const app = counting()
    await using host = await Host.start({ before: app.before, ahead: true })
    const ada = await host.enter('ada')
    const first = await ada.get('/notifications/unread').expect(200)
    const second = await ada.get('/notifications/unread').expect(200)
    assert.equal(app.requests(), 1)
    assert.deepEqual(second.body, first.body)
    for (const name of ['etag', 'content-type', 'cache-control', 'vary', 'content-length'])
      assert.equal(second.headers[name], first.headers[name], name)
    const unchanged = await ada
      .get('/notifications/unread')
      .set('If-None-Match', first.headers.etag ?? '')
      .expect(304)
    assert.equal(unchanged.headers.etag, first.headers.etag)
    assert.equal(app.requests(), 1)
  })

  it('tell of every change at once', async () => {
    await using host = await Host.start({ ahead: true })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    for (const unread of [1, 2, 3]) {
      const { headers } = await ada.get('/notifications/unread').expect(200)
      await host.notifications.notify({ to: unread === 2 ? 'everyone' : { user: 'ada' }, title: 'Hello' })
      const { body } = await ada
        .get('/notifications/unread')
        .set('If-None-Match', headers.etag ?? '')
        .expect(200)
      assert.deepEqual(body, await host.notifications.state('ada'))
      assert.equal(body.unread, unread)
    }
  })

  it('know of all that was committed before they were sent, also when many come together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-ahead-'))
    const database = join(folder, 'host.db')
    {
      await using host = await Host.start({ ahead: true, database })
      const ada = await host.enter('ada')
      const polls = async () =>
        (await Promise.all(Array.from({ length: 4 }, () => ada.get('/notifications/unread').expect(200)))).map(({ body }) => body.unread)
      const other = new Sqlite(database)
      assert.deepEqual(await polls(), [0, 0, 0, 0])
      for (const unread of [1, 2, 3, 4, 5]) {
        other.exec(`INSERT INTO notifications (audience, title) VALUES ('user:ada', 'Hello')`)
        assert.deepEqual(await polls(), [unread, unread, unread, unread])
      }
      other.close()
    }
    rmSync(folder, { recursive: true })
  })

  it('end with the session, whoever ends it', async () => {
    const app = counting()
    await using host = await Host.start({ before: app.before, ahead: true })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    await ada.get('/notifications/unread').expect(200)
    await ada.get('/leave').expect(200)
    await ada.get('/notifications/unread').expect(401)
    assert.equal(app.requests(), 2)
  })

  it('are for the person of the session alone, whatever else the same header says', async () => {
    const app = counting()
    await using host = await Host.start({ before: app.before, ahead: true })
    for (const name of ['ada', 'bob']) {
      const person = await host.enter(name)
      await host.notifications.notify({ to: { user: name }, title: 'Hello' })
      for (const _ of [1, 2]) assert.deepEqual((await person.get('/notifications/unread').expect(200)).body, await host.notifications.state(name))
    }
    await host.anybody.get('/notifications/unread').expect(401)
    await host.anybody.get('/notifications/unread').set('Cookie', 'connect.sid=s%3Aforged.signature').expect(401)
    assert.equal(app.requests(), 4)
  })

  it('take nobody by a header that is not what their session was found by', async () => {
    const identify = (req: Request) => {
      const as = req.get('X-As')
      if (as !== undefined) req.session.visitor = as
      return req.session.visitor === undefined ? null : { id: req.session.visitor }
    }
    await using host = await Host.start({ ahead: true, identify })
    await host.anybody.get('/notifications/unread').set('Cookie', 'theme=dark').set('X-As', 'ada').expect(200)
    await host.anybody.get('/notifications/unread').set('Cookie', 'theme=dark').expect(401)
  })

  it('leave every other request to the app', async () => {
    const app = counting()
    await using host = await Host.start({ before: app.before, ahead: true })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    for (const path of ['/notifications', '/notifications/unreadable', '/page']) {
      assert.equal((await ada.get(path)).headers['x-app'], 'yes', path)
    }
    assert.equal((await ada.head('/notifications/unread')).headers['x-app'], 'yes')
    assert.equal((await ada.post('/notifications/unread')).headers['x-app'], 'yes')
  })

  it('say nothing to a page of somebody else who was there before', async () => {
    await using host = await Host.start({ ahead: true })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    await ada.get('/notifications/unread?belfry-for=somebody-else').expect(401)
  })

  it('are let through by the app again where the store or identify fails', async () => {
    let broken = false
    const identify = (req: Request) => {
      if (broken) throw new Error('the directory of users is out')
      return req.session.visitor === undefined ? null : { id: req.session.visitor }
    }
    await using host = await Host.start({ ahead: true, identify })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    broken = true
    assert.notEqual((await ada.get('/notifications/unread')).status, 200)
    broken = false
    await ada.get('/notifications/unread').expect(200)
  })

  for (const fault of ['throws', 'no session'] as const) {
    it(`are left to the app where the store ${fault === 'throws' ? fault : 'has something that is no session'}`, async () => {
      const store = new FaultyStore()
      await using host = await Host.start({ ahead: true, store })
      const ada = await host.enter('ada')
      await ada.get('/notifications/unread').expect(200)
      store.fault = fault
      await ada.get('/notifications/unread').expect(599)
      store.fault = 'none'
      await ada.get('/notifications/unread').expect(200)
    })
  }

  it('are answered with 503 where the store says nothing, and read again as soon as it does', async () => {
    const store = new FaultyStore()
    const app = counting()
    const warnings: string[] = []
    const logger = { info() {}, error() {}, warn: (_details: object, message: string) => void warnings.push(message) }
    await using host = await Host.start({ ahead: true, store, before: app.before, logger })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    store.fault = 'silent'
    const { headers } = await ada.get('/notifications/unread').expect(503)
    assert.ok(Number(headers['retry-after']) > 0)
    assert.match(headers['content-type'] ?? '', /^application\/problem\+json/)
    assert.equal(warnings.length, 1)
    store.fault = 'none'
    for (const pay of store.owed) pay()
    await ada.get('/notifications/unread').expect(200)
    assert.equal(app.requests(), 1)
  })

  it('are answered together, whenever in a turn of the event loop each of them was ready', async () => {
    const store = new FaultyStore()
    await using host = await Host.start({ ahead: true, store })
    const ada = await host.enter('ada')
    await ada.get('/notifications/unread').expect(200)
    const answers: ServerResponse[] = []
    const began = (message: unknown) => void answers.push((message as { response: ServerResponse }).response)
    subscribe('http.server.request.start', began)
    store.fault = 'silent'
    const polls = Promise.all([1, 2, 3].map(() => ada.get('/notifications/unread').expect(200)))
    await eventually(() => store.owed.length === 3, 'three polls wait for the store')
    unsubscribe('http.server.request.start', began)
    const sent = () => answers.filter(({ headersSent }) => headersSent).length
    for (const pay of store.owed) pay()
    // The store answers in this turn, one by one.
    await nextTurn()
    assert.equal(sent(), 0)
    // Nobody else comes in the next.
    await nextTurn()
    await nextTurn()
    assert.equal(sent(), 3)
    await polls
  })
})
