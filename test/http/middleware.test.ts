import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Express, Response } from 'express'
import session from 'express-session'
import { createNotifications, UnavailableError } from '../../src/notifications/index.js'
import { Host } from '../helpers/embedded.js'
import { eventually } from '../helpers/eventually.js'

describe('res.locals.notifications', () => {
  it('has the state, for the first paint of any page of the host', async () => {
    await using host = await Host.start()
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const ada = await host.enter('ada')
    const { body } = await ada.get('/locals').expect(200)
    assert.deepEqual(body, await host.notifications.state('ada'))
    assert.equal(body.unread, 1)
  })

  it('is nobody’s when signed out: unread 0, and no bell', async () => {
    await using host = await Host.start()
    const { body } = await host.anybody.get('/locals').expect(200)
    assert.equal(body.unread, 0)
    assert.doesNotMatch((await host.anybody.get('/page')).text, /notification-bell/)
  })

  it('renders a bell around a plain link to the inbox', async () => {
    await using host = await Host.start({ basePath: '/me/news' })
    for (let n = 0; n < 3; n++) await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const ada = await host.enter('ada')
    const { text } = await ada.get('/page').expect(200)
    const { epoch, version } = await host.notifications.state('ada')
    const mark = /data-user="([\w-]+)"/.exec(text)?.[1]
    assert.ok(
      text.includes(`<notification-bell unread="3" data-base="/me/news" data-user="${mark}" data-epoch="${epoch}" data-version="${version}">`),
    )
    assert.match(text, /<a class="belfry-bell" href="\/me\/news" lang="en" aria-label="Notifications, 3 unread">/)
    assert.match(text, /<span class="belfry-badge" aria-hidden="true">3<\/span>/)
    assert.doesNotMatch(text, /\bada\b/, 'the id of the user is not in the page')
  })

  it('shows nothing for 0 and 99+ above 99, while the attribute stays exact', async () => {
    await using host = await Host.start()
    const ada = await host.enter('ada')
    const none = (await ada.get('/page')).text
    assert.match(none, /unread="0"[\s\S]*aria-label="Notifications"[\s\S]*aria-hidden="true"><\/span>/)
    await Promise.all(Array.from({ length: 100 }, () => host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })))
    const many = (await ada.get('/page')).text
    assert.match(many, /unread="100"[\s\S]*aria-label="Notifications, 99\+ unread"[\s\S]*>99\+<\/span>/)
    const inbox = (await ada.get('/notifications').set('Accept', 'text/html')).text
    assert.match(inbox, /<title>\(99\+\) /)
  })

  it('asks the host once a request who is there, however many of our handlers it passes', async () => {
    let asked = 0
    await using host = await Host.start({
      identify: () => {
        asked++
        return { id: 'ada' }
      },
    })
    const agent = await host.enter('ada')
    asked = 0
    await agent.get('/notifications').expect(200)
    assert.equal(asked, 1)
  })

  it('keeps two plugins of one app apart', async () => {
    const sessions = session({ secret: 'a secret', resave: false, saveUninitialized: false })
    const other = createNotifications({ database: ':memory:', session: sessions, identify: () => ({ id: 'bob' }), basePath: '/alerts' })
    await using host = await Host.start({ before: (app) => app.use(sessions, other.middleware()), identify: () => ({ id: 'ada' }) })
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    assert.equal((await host.anybody.get('/locals')).body.unread, 1)
    await other.close()
  })

  it('hands an outage to the host’s error handler as an UnavailableError', async () => {
    let out = false
    await using host = await Host.start({
      identify: () => {
        if (out) throw new UnavailableError('The session store does not answer.')
        return { id: 'ada' }
      },
    })
    const ada = await host.enter('ada')
    out = true
    await ada.get('/page').expect(599)
    assert.ok(host.errors[0] instanceof UnavailableError)
  })

  it('does not wait for ever where the host does not say who is there: after five seconds that is an outage', async (t) => {
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    await using host = await Host.start({
      identify: () => {
        asked()
        return new Promise(() => {})
      },
    })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const answered = host.anybody.get('/page').expect(599).then()
    await isAsked
    t.mock.timers.tick(5000)
    await answered
    assert.match(String(host.errors[0]), /did not say in time who is there/)
    assert.ok(host.errors[0] instanceof UnavailableError)
  })
})

describe('while another process holds the lock for writing', () => {
  it('pages of the host go on, also for somebody whose topics have changed, and who is told of them when it is gone', async () => {
    const topics: Record<string, string[]> = { ada: ['news'] }
    await using host = await Host.start({ topics })
    const [ada, bob] = [await host.enter('ada'), await host.enter('bob')]
    for (const topic of ['news', 'sport', 'bobs']) await host.notifications.notify({ to: { topic }, title: 'Hello' })
    assert.equal((await ada.get('/locals')).body.unread, 1)
    topics.ada = ['news', 'sport']
    topics.bob = ['bobs']
    {
      using _lock = host.lock()
      const began = performance.now()
      const pages = await Promise.all([ada.get('/locals'), bob.get('/locals'), ada.get('/notifications/unread')])
      assert.deepEqual(
        pages.map(({ status, body }) => [status, body.unread]),
        [
          [200, 1],
          [200, 0],
          [200, 1],
        ],
      )
      assert.ok(performance.now() - began < 2500)
    }
    await eventually(async () => (await host.notifications.state('ada')).unread === 2, 'what was asked for is recorded')
    assert.equal((await bob.get('/locals')).body.unread, 1)
  })

  it('whoever has lost a topic reads nothing of it: the inbox is 503 for them, and others go on reading theirs', async () => {
    const topics: Record<string, string[]> = { ada: ['news', 'sport'], bob: ['sport'] }
    await using host = await Host.start({ topics })
    const [ada, bob] = [await host.enter('ada'), await host.enter('bob')]
    const { id } = await host.notifications.notify({ to: { topic: 'sport' }, title: 'Only for sport' })
    for (const path of [`/notifications/${id}`, '/latest'])
      for (const member of [ada, bob]) assert.match((await member.get(path)).text, /Only for sport/)
    topics.ada = ['news']
    {
      using _lock = host.lock()
      for (const path of ['/notifications', `/notifications/${id}`]) {
        const { body } = await ada.get(path).set('Accept', 'application/json').expect(503).expect('Retry-After', '2')
        assert.equal(body.detail, 'Your topics have changed, which could not be recorded yet.')
      }
      await ada.get('/latest').expect(599)
      await ada.get('/page').expect(200)
      for (const path of ['/notifications', `/notifications/${id}`, '/latest']) assert.match((await bob.get(path).expect(200)).text, /Only for sport/)
    }
    await ada.get(`/notifications/${id}`).expect(404)
    assert.doesNotMatch((await ada.get('/latest').expect(200)).text, /Only for sport/)
  })
})

describe('after the end', () => {
  it('pages of the host go on without a bell, and whoever asks for ours is told why', async () => {
    await using host = await Host.start()
    const ada = await host.enter('ada')
    await host.notifications.close()
    const { text } = await ada.get('/page').expect(200)
    assert.doesNotMatch(text, /notification-bell/)
    for (const path of ['/unread', '/', '/socket']) {
      const { body } = await ada.get(`/notifications${path}`).set('Accept', 'application/json').expect(503)
      assert.equal(body.detail, 'Notifications have been closed.')
    }
    await assert.rejects(host.notifications.state('ada'), /^UnavailableError: Notifications have been closed\.$/)
    await assert.rejects(host.notifications.notify({ to: { user: 'ada' }, title: 'x' }), /have been closed/)
  })
})

describe('the head', () => {
  it('names the stylesheet by its version', async () => {
    await using host = await Host.start()
    const ada = await host.enter('ada')
    assert.match((await ada.get('/page')).text, /<link rel="stylesheet" href="\/notifications\/assets\/belfry\.css\?v=[\w-]{12}">/)
  })
})

describe('the assets', () => {
  it('are kept for good under the address of their version, and asked for again under any other', async () => {
    await using host = await Host.start()
    const { text } = await host.anybody.get('/page')
    const href = /href="([^"]+belfry\.css[^"]*)"/.exec(text)?.[1] ?? ''
    const kept = await host.anybody.get(href).expect(200).expect('Content-Type', 'text/css; charset=utf-8')
    assert.equal(kept.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(kept.headers['x-content-type-options'], 'nosniff')
    const plain = await host.anybody.get('/notifications/assets/belfry.css').expect(200)
    assert.equal(plain.headers['cache-control'], 'public, no-cache')
    await host.anybody.get('/notifications/assets/belfry.css?v=old').expect('Cache-Control', 'public, no-cache')
    await host.anybody
      .get(href)
      .set('If-None-Match', kept.headers.etag ?? '')
      .expect(304)
    await host.anybody.head(href).expect(200)
  })

  for (const keeping of [{ rolling: true }, { saveUninitialized: true }, { resave: true }, { unset: 'destroy' }] as const) {
    it(`carry nobody’s cookie, since caches may keep them, and leave the session alone: ${JSON.stringify(keeping)}`, async () => {
      const store = new session.MemoryStore()
      await using host = await Host.start({ store, keeping })
      const ada = await host.enter('ada')
      const href = /href="([^"]+belfry\.css[^"]*)"/.exec((await ada.get('/page')).text)?.[1] ?? ''
      const touched: string[] = []
      for (const name of ['set', 'touch', 'destroy'] as const) {
        const act = store[name].bind(store) as (...args: unknown[]) => void
        store[name] = (...args: unknown[]) => {
          touched.push(name)
          act(...args)
        }
      }
      for (const somebody of [ada, host.anybody]) {
        const asset = await somebody.get(href).expect(200)
        assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable')
        assert.equal(asset.headers['set-cookie'], undefined)
        assert.deepEqual(touched, [])
      }
      assert.equal((await ada.get('/notifications/unread')).status, 200, 'she is still signed in')
    })
  }

  it('carry no other cookie of the host’s either, even one that is set as the headers leave', async () => {
    const before = (app: Express) =>
      void app.use((_req, res, next) => {
        const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response
        res.writeHead = (...args: unknown[]) => {
          res.cookie('late', 'yes')
          res.appendHeader('Set-Cookie', 'later=yes')
          return writeHead(...args)
        }
        res.cookie('early', 'yes')
        next()
      })
    await using host = await Host.start({ before })
    const page = await host.anybody.get('/page').expect(200)
    assert.equal(page.headers['set-cookie']?.length, 3)
    const href = /href="([^"]+belfry\.css[^"]*)"/.exec(page.text)?.[1] ?? ''
    const { headers } = await host.anybody.get(href).expect(200)
    assert.equal(headers['set-cookie'], undefined)
    assert.equal(headers['content-type'], 'text/css; charset=utf-8')
  })

  for (const name of ['other.js', '..%2fbelfry.css', 'toString', '__proto__', 'belfry.css%00']) {
    it(`know no ${name}`, async () => {
      await using host = await Host.start()
      await host.anybody
        .get(`/notifications/assets/${name}`)
        .expect(404)
        .expect('Content-Type', /problem\+json/)
    })
  }
})
