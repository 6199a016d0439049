import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import request from 'supertest'
import { createNotifications, type NotificationsOptions } from '../../src/notifications/index.js'
import { Host } from '../helpers/embedded.js'

const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;<%= 1 %>`

async function page(host: Host, user: string, path: string): Promise<string> {
  const agent = await host.enter(user)
  return (await agent.get(path).set('Accept', 'text/html').expect(200)).text
}

describe('text is text', () => {
  it('in the title, body, category and sender of every page', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({
      to: { user: EVIL },
      title: EVIL,
      body: EVIL,
      category: EVIL.slice(0, 64),
      url: `/x?"onclick='alert(1)'`,
      data: { from: EVIL },
    })
    for (const path of ['/notifications?filter=unread', `/notifications?category=${encodeURIComponent(EVIL.slice(0, 64))}`, `/notifications/${id}`]) {
      const html = await page(host, EVIL, path)
      assert.ok(html.includes('&lt;script&gt;alert(1)&lt;/script&gt;'), path)
      assert.doesNotMatch(html, /<script>|<img|\sonclick='|onerror=alert\(1\)>/, path)
    }
  })

  it('although data.from is no string at all', async () => {
    await using host = await Host.start()
    for (const from of [7, null, ['<b>'], { toString: '<b>' }])
      await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello', data: { from } })
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello', data: 'from' })
    assert.doesNotMatch(await page(host, 'ada', '/notifications'), /<b>|&lt;b&gt;|object/)
  })
})

it('every page of ours, and none of the host’s, is not to be shown as a copy of before', async () => {
  await using host = await Host.start()
  const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
  const kept = /<meta name="turbo-cache-control" content="no-cache">\n<\/head>/
  for (const path of ['', `/${id}`, '/preferences']) assert.match(await page(host, 'ada', `/notifications${path}`), kept)
  assert.doesNotMatch(await page(host, 'ada', '/page'), /turbo-cache-control/)
})

describe('the inbox page', () => {
  it('carries what the client, themes and tests rely on', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({
      to: { user: 'ada' },
      title: 'Hello',
      body: 'Words',
      level: 'error',
      category: 'builds',
      data: { from: 'bob' },
    })
    const { items } = await host.notifications.list('ada')
    const cursor = items[0]?.cursor
    const html = await page(host, 'ada', '/notifications')
    assert.match(html, new RegExp(`<ol class="belfry-list" data-belfry-list data-filter="all" data-category="" data-newest="${cursor}" data-top>`))
    assert.match(
      html,
      new RegExp(`<li class="belfry-item" data-notification-id="${id}" data-state="unread" data-level="error" data-cursor="${cursor}">`),
    )
    assert.match(html, new RegExp(`<input type="hidden" name="upTo" value="${cursor}">`))
    for (const slot of ['title', 'body', 'from', 'category', 'level', 'time', 'state']) assert.match(html, new RegExp(`data-slot="${slot}"`))
    for (const action of ['read', 'unread', 'archive', 'unarchive']) {
      assert.match(html, new RegExp(`<form method="post" action="/notifications/${id}/${action}" data-belfry-action="${action}">`))
    }
    assert.match(html, /<template data-belfry-row><li class="belfry-item" data-notification-id=""/)
    assert.equal(html.match(/role="status"/g)?.length, 1)
    assert.equal(html.match(/<notification-bell /g)?.length, 1)
    assert.match(html, /<title>\(1\) Notifications<\/title>/)
  })

  it('says something kind where it is empty, and hides what there is nothing to do with', async () => {
    await using host = await Host.start()
    const html = await page(host, 'ada', '/notifications')
    assert.match(html, /Nothing here yet/)
    assert.match(html, /data-belfry-read-all hidden>/)
    assert.match(html, /<title>Notifications<\/title>/)
    assert.match(await page(host, 'ada', '/notifications?filter=unread'), /You are up to date/)
    assert.match(await page(host, 'ada', '/notifications?filter=archived'), /Nothing is archived/)
  })

  it('goes on to older ones by a real link that keeps what was asked for', async () => {
    await using host = await Host.start()
    for (let n = 0; n < 27; n++) await host.notifications.notify({ to: { user: 'ada' }, title: `No. ${n}`, category: 'a&b' })
    const html = await page(host, 'ada', '/notifications?filter=unread&category=a%26b')
    const href = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    assert.match(href, /^\/notifications\?filter=unread&category=a%26b&before=/)
    const older = await page(host, 'ada', href)
    assert.match(older, /No\. 1</)
    assert.match(older, /No\. 0</)
    assert.doesNotMatch(older, /No\. 2</)
    assert.match(older, />Newest</)
  })

  it('offers to mark all as read only where all is what one sees', async () => {
    await using host = await Host.start()
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello', category: 'a' })
    const { items } = await host.notifications.list('ada')
    for (const [query, offered] of [
      ['', true],
      ['?filter=unread', true],
      ['?filter=archived', false],
      ['?category=a', false],
      [`?before=${items[0]?.cursor}`, false],
    ] as const) {
      assert.equal((await page(host, 'ada', `/notifications${query}`)).includes('data-belfry-read-all'), offered, query)
    }
  })
})

describe('the page of a notification', () => {
  it('shows all of it, with the sender, the level in words and the link', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({
      to: { user: 'ada' },
      title: 'Disk nearly full',
      body: 'Two\nlines',
      level: 'warning',
      url: 'https://status.example/disk',
      data: { from: 'bob' },
    })
    const html = await page(host, 'ada', `/notifications/${id}`)
    assert.match(html, /<h1><bdi>Disk nearly full<\/bdi><\/h1>/)
    assert.match(html, /Two\nlines/)
    assert.match(html, /From<\/span> <strong dir="auto">bob<\/strong>/)
    assert.match(html, />Warning</)
    assert.match(html, /href="https:\/\/status\.example\/disk" lang="en">Open status\.example<\/a>/)
  })

  it('has no title that could pass for a count', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: '(7) unread' })
    assert.doesNotMatch(await page(host, 'ada', `/notifications/${id}`), /<title>\(/)
  })
})

describe('the frame of the host', () => {
  it('gets title, head and body, and the count after the visit', async () => {
    await using host = await Host.start({
      layout: ({ title, head, body, res }) => `<title>Mine: ${title}</title>${head}<i>${res.locals.notifications.unread}</i>${body}`,
    })
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    assert.match(
      await page(host, 'ada', '/notifications'),
      /<title>Mine: Notifications<\/title>[\s\S]*belfry\.css[\s\S]*<i>1<\/i>[\s\S]*data-belfry-list/,
    )
    assert.match(await page(host, 'ada', `/notifications/${id}`), /<i>0<\/i>/)
  })

  it('may fail: then the host’s own error handler is asked, with the host’s own error', async () => {
    const failure = new Error('the layout is broken')
    const logged: object[] = []
    const logger = { info() {}, warn() {}, error: (details: object) => void logged.push(details) }
    await using host = await Host.start({ logger, layout: () => Promise.reject(failure) })
    const ada = await host.enter('ada')
    await ada.get('/notifications').set('Accept', 'text/html').expect(599)
    await ada.get('/notifications/missing').set('Accept', 'text/html').expect(599)
    assert.deepEqual(host.errors, [failure, failure])
    assert.deepEqual(logged, [], 'it is the host that logs it')
  })

  it('must answer something: nothing is no page', async () => {
    await using host = await Host.start({ layout: (() => {}) as never })
    const ada = await host.enter('ada')
    await ada.get('/notifications').set('Accept', 'text/html').expect(599)
    assert.deepEqual(host.errors.map(String), ['OptionError: The option layout must answer HTML, a string.'])
  })

  it('keeps its own view settings', async () => {
    await using host = await Host.start({
      before: (app) => {
        app.engine('html', (_path, _options, done) => done(null, 'the engine of the host'))
        app.set('view engine', 'html')
        app.set('views', '/nowhere')
        app.locals.title = 'not this one'
      },
    })
    assert.match(await page(host, 'ada', '/notifications'), /<h1 lang="en">Notifications<\/h1>/)
  })
})

/** The router alone: no middleware, and no error handler of the host's. */
async function alone(options: Partial<NotificationsOptions>, sessionsOf?: RequestHandler) {
  const sessions = session({ secret: 'a secret', resave: false, saveUninitialized: false })
  const notifications = createNotifications({ database: ':memory:', session: sessions, identify: () => ({ id: 'ada' }), ...options })
  const app = express().use(sessionsOf ?? sessions, notifications.router())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    asks: request(server),
    async [Symbol.asyncDispose]() {
      server.close()
      await notifications.close()
    },
  }
}

describe('what goes wrong', () => {
  for (const [accept, type] of [
    ['application/json', /problem\+json/],
    ['text/html', /html/],
  ] as const) {
    it(`unexpectedly is logged, and answered without a word of it (${accept})`, async () => {
      const logged: { err?: unknown }[] = []
      const logger = { info() {}, warn() {}, error: (details: object) => void logged.push(details) }
      const failure = new Error('secret detail at /srv/app.js:7')
      await using host = await alone({ logger, identify: () => Promise.reject(failure) })
      for (const path of ['/', '/abc', '/unread']) {
        const answer = await host.asks.get(path).set('Accept', accept).expect(500)
        if (path !== '/unread') assert.match(answer.headers['content-type'] ?? '', type)
        assert.doesNotMatch(answer.text, /secret|srv/)
      }
      assert.deepEqual(
        logged.map(({ err }) => err),
        [failure, failure, failure],
      )
    })

    it(`because the host does not say who is there is 503 after five seconds (${accept})`, async (t) => {
      const logger = { info() {}, warn() {}, error() {} }
      let asked = 0
      const identify = () => {
        asked++
        return new Promise<null>(() => {})
      }
      await using host = await alone({ logger, identify })
      t.mock.timers.enable({ apis: ['setTimeout'] })
      const paths = ['/', '/abc', '/unread']
      const answers = Promise.all(paths.map((path) => host.asks.get(path).set('Accept', accept).expect(503).expect('Retry-After', '2')))
      while (asked < paths.length) await nextTurn()
      t.mock.timers.tick(5000)
      for (const { text } of await answers) assert.match(text, /did not say in time who is there/)
    })

    it(`because a part is out is 503, with a time to try again (${accept})`, async () => {
      const logger = { info() {}, warn() {}, error() {} }
      // Express-session goes on like this while its store is out.
      await using host = await alone({ logger }, (_req, _res, next) => next())
      for (const path of ['/', '/abc', '/unread']) {
        const answer = await host.asks.get(path).set('Accept', accept).expect(503)
        assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
      }
      await host.asks.post('/abc/read').set('Accept', accept).set('Sec-Fetch-Site', 'none').expect(503)
    })
  }
})
