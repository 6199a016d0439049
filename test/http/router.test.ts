import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import express from 'express'
import type { Item, ItemPage, State } from '../../src/notifications/index.js'
import { Host } from '../helpers/embedded.js'

const json = 'application/json'
const problem = /^application\/problem\+json/

/** Somebody signed in with so many notifications, titled 1, 2, 3 …, and what the list says of them, newest first. */
async function withInbox(host: Host, user: string, count: number) {
  for (let n = 1; n <= count; n++) await host.notifications.notify({ to: { user }, title: String(n) })
  const agent = await host.enter(user)
  const { items } = await host.notifications.list(user, { limit: 100 })
  return { agent, items }
}

function first(items: readonly Item[]): Item {
  assert.ok(items[0])
  return items[0]
}

describe('the inbox for scripts', () => {
  it('lists newest first with the state of the same instant, in items of exactly the promised fields', async () => {
    await using host = await Host.start()
    await host.notifications.notify({
      to: { user: 'ada' },
      title: 'Older',
      body: 'Words',
      url: '/x',
      level: 'warning',
      category: 'builds',
      data: { from: 'bob' },
    })
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Newer' })
    const ada = await host.enter('ada')
    const { body, headers } = await ada.get('/notifications').set('Accept', json).expect(200)
    assert.deepEqual(
      body.items.map((item: Item) => item.title),
      ['Newer', 'Older'],
    )
    assert.deepEqual(Object.keys(body).sort(), ['epoch', 'items', 'nextCursor', 'unread', 'version'])
    const fields = ['body', 'category', 'createdAt', 'cursor', 'data', 'expiresAt', 'id', 'level', 'readAt', 'state', 'title', 'url']
    for (const item of body.items) assert.deepEqual(Object.keys(item).sort(), fields)
    assert.equal(body.unread, 2)
    assert.equal(headers['cache-control'], 'private, no-cache')
    assert.match(headers.vary ?? '', /Accept/)
  })

  it('goes through all pages by its cursors, each notification once, and back', async () => {
    await using host = await Host.start()
    const { agent } = await withInbox(host, 'ada', 7)
    const page = async (query: string): Promise<ItemPage> => (await agent.get(`/notifications?limit=3${query}`).set('Accept', json).expect(200)).body
    const titles = (list: ItemPage) => list.items.map((item) => item.title)
    const one = await page('')
    const two = await page(`&before=${one.nextCursor}`)
    const three = await page(`&before=${two.nextCursor}`)
    assert.deepEqual([titles(one), titles(two), titles(three)], [['7', '6', '5'], ['4', '3', '2'], ['1']])
    assert.equal(three.nextCursor, null)
    assert.deepEqual(titles(await page(`&after=${first(three.items).cursor}`)), ['2', '3', '4'])
  })

  it('filters by state and by category', async () => {
    await using host = await Host.start()
    await host.notifications.notify({ to: { user: 'ada' }, title: 'a', category: 'builds' })
    const b = await host.notifications.notify({ to: { user: 'ada' }, title: 'b' })
    const c = await host.notifications.notify({ to: { user: 'ada' }, title: 'c' })
    await host.notifications.markAsRead('ada', b.id)
    await host.notifications.archive('ada', c.id)
    const ada = await host.enter('ada')
    const titles = async (query: string) => (await ada.get(`/notifications${query}`).set('Accept', json)).body.items.map((item: Item) => item.title)
    assert.deepEqual(await titles('?filter=unread'), ['a'])
    assert.deepEqual(await titles('?filter=archived'), ['c'])
    assert.deepEqual(await titles('?filter=all'), ['b', 'a'])
    assert.deepEqual(await titles('?category=builds'), ['a'])
    assert.deepEqual(await titles('?category='), ['b', 'a'])
  })

  for (const [what, query] of [
    ['an unknown filter', 'filter=new'],
    ['an empty filter', 'filter='],
    ['a limit of 0', 'limit=0'],
    ['a limit of 101', 'limit=101'],
    ['a limit that is no number', 'limit=ten'],
    ['a cursor nobody gave out', 'before=zzz'],
    ['an empty cursor', 'before='],
    ['both directions at once', 'before=1-abcdef&after=1-abcdef'],
    ['a repeated parameter', 'filter=all&filter=all'],
    ['a repeated category', 'category=a&category=b'],
  ]) {
    it(`answers 400 to ${what}, as a problem and as a page`, async () => {
      await using host = await Host.start()
      const ada = await host.enter('ada')
      const answer = await ada.get(`/notifications?${query}`).set('Accept', json).expect(400).expect('Content-Type', problem)
      assert.equal(answer.body.status, 400)
      assert.ok(answer.body.errors[0].field)
      const page = await ada.get(`/notifications?${query}`).set('Accept', 'text/html').expect(400).expect('Content-Type', /html/)
      assert.match(page.text, /<h1>/)
    })
  }

  it('takes a parameter in brackets for an unknown one, whatever query parser the host set', async () => {
    await using host = await Host.start({ before: (app) => app.set('query parser', 'extended') })
    const ada = await host.enter('ada')
    await ada.get('/notifications?filter[]=unread&filter[]=all').set('Accept', json).expect(400)
    await ada.get('/notifications?filter[a]=unread').set('Accept', json).expect(200)
  })
})

describe('the two faces', () => {
  for (const [accept, type] of [
    ['text/html,application/xhtml+xml,*/*;q=0.8', /html/],
    ['*/*', /html/],
    ['application/json', /json/],
    ['application/json, text/html;q=0.5', /json/],
    ['text/html, application/json', /html/],
    ['image/png', /html/],
  ] as const) {
    it(`answer ${accept} as ${type.source}`, async () => {
      await using host = await Host.start()
      const ada = await host.enter('ada')
      await ada.get('/notifications').set('Accept', accept).expect(200).expect('Content-Type', type)
    })
  }

  it('send somebody who is signed out to sign in, or answer 401 to scripts, on every route', async () => {
    await using host = await Host.start({ signInPath: '/login' })
    const { anybody } = host
    for (const path of ['/notifications', '/notifications?filter=unread&category=a%26b', '/notifications/abc']) {
      await anybody
        .get(path)
        .set('Accept', 'text/html')
        .expect(303)
        .expect('Location', `/login?next=${encodeURIComponent(path)}`)
      await anybody.get(path).set('Accept', json).expect(401).expect('Content-Type', problem)
    }
    for (const path of ['/notifications/read-all', '/notifications/abc/read', '/notifications/abc/archive']) {
      await anybody
        .post(path)
        .set('Sec-Fetch-Site', 'same-origin')
        .set('Accept', 'text/html')
        .expect(303)
        .expect('Location', '/login?next=%2Fnotifications')
      await anybody.post(path).set('Sec-Fetch-Site', 'same-origin').set('Accept', json).expect(401).expect('Content-Type', problem)
      await anybody.post(path).set('Sec-Fetch-Site', 'same-origin').set('Accept', json).type('json').send('{').expect(401)
    }
  })

  it('name no other site as the place to come back to', async () => {
    await using host = await Host.start({ signInPath: '/login' })
    const { port } = new URL(host.url)
    const [answer] = (await once(get({ host: '127.0.0.1', port, path: 'http://evil.example/notifications' }), 'response')) as [IncomingMessage]
    answer.resume()
    assert.equal(answer.headers.location, '/login?next=%2Fnotifications')
  })

  it('answer 401 as a page where the host names no place to sign in', async () => {
    await using host = await Host.start()
    await host.anybody.get('/notifications').set('Accept', 'text/html').expect(401).expect('Content-Type', /html/)
  })
})

describe('one notification', () => {
  it('is marked as read by a visit, in both faces', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 2)
    const [newer, older] = items
    const page = await agent.get(`/notifications/${newer?.id}`).set('Accept', 'text/html').expect(200)
    assert.match(page.text, /<notification-bell unread="1"/, 'the bell of the page counts the visit')
    const { body } = await agent.get(`/notifications/${older?.id}`).set('Accept', json).expect(200)
    assert.equal(body.state, 'read')
    assert.ok(body.readAt)
    assert.equal(await host.notifications.unreadCount('ada'), 0)
  })

  it('is not marked as read by HEAD or by a browser that fetches ahead', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const path = `/notifications/${first(items).id}`
    await agent.head(path).expect(200)
    for (const [name, value] of [
      ['Purpose', 'prefetch'],
      ['Sec-Purpose', 'prefetch'],
      ['Sec-Purpose', 'prefetch;prerender'],
      ['X-Moz', 'prefetch'],
      ['X-Sec-Purpose', 'prefetch'],
      ['HX-Preloaded', 'true'],
    ] as const) {
      await agent.get(path).set(name, value).expect(200)
    }
    assert.equal(await host.notifications.unreadCount('ada'), 1)
    await agent.get(path).set('Sec-Fetch-Dest', 'document').expect(200)
    assert.equal(await host.notifications.unreadCount('ada'), 0)
  })

  it('answers the same bytes where it is missing and where it is somebody else’s', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'bob' }, title: 'Secret' })
    const ada = await host.enter('ada')
    for (const accept of ['text/html', json]) {
      const theirs = await ada.get(`/notifications/${id}`).set('Accept', accept).expect(404)
      const missing = await ada.get('/notifications/0123456789').set('Accept', accept).expect(404)
      assert.equal(theirs.text, missing.text)
      const { date: _, ...headers } = theirs.headers
      const { date: __, ...others } = missing.headers
      assert.deepEqual(headers, others)
      assert.ok(!theirs.text.includes('Secret'))
    }
    for (const action of ['read', 'unread', 'archive', 'unarchive']) {
      const theirs = await ada.post(`/notifications/${id}/${action}`).set('Accept', json).expect(404)
      const missing = await ada.post(`/notifications/0123456789/${action}`).set('Accept', json).expect(404)
      assert.equal(theirs.text, missing.text)
    }
    assert.equal(await host.notifications.unreadCount('bob'), 1)
  })

  for (const path of ['%00', '%E0%A4%A', 'x'.repeat(5000), '__proto__', '..%2f..%2fetc', '%F0%9F%94%94', "'%20OR%201=1"]) {
    it(`answers 404 or 400 to the id ${path.slice(0, 20)}`, async () => {
      await using host = await Host.start()
      const ada = await host.enter('ada')
      const { status } = await ada.get(`/notifications/${path}`).set('Accept', json)
      assert.ok(status === 404 || status === 400, String(status))
      assert.deepEqual(host.errors, [])
    })
  }
})

describe('marking', () => {
  it('read, unread, archive and unarchive answer scripts with the new state', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const { id } = first(items)
    const after = async (action: string): Promise<State> => (await agent.post(`/notifications/${id}/${action}`).set('Accept', json).expect(200)).body
    const seen = [await after('read'), await after('unread'), await after('archive'), await after('unarchive')]
    assert.deepEqual(
      seen.map((state) => state.unread),
      [0, 1, 0, 0],
    )
    assert.deepEqual(Object.keys(seen[0] ?? {}).sort(), ['epoch', 'unread', 'version'])
    for (let n = 1; n < seen.length; n++) assert.ok((seen[n]?.version ?? 0) > (seen[n - 1]?.version ?? 0), 'every change has a version of its own')
  })

  it('what is read already succeeds and changes nothing', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const once = await agent
      .post(`/notifications/${first(items).id}/read`)
      .set('Accept', json)
      .expect(200)
    const twice = await agent
      .post(`/notifications/${first(items).id}/read`)
      .set('Accept', json)
      .expect(200)
    assert.deepEqual(twice.body, once.body)
  })

  it('an archived one as unread is refused with 422', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    await agent.post(`/notifications/${first(items).id}/archive`).expect(303)
    await agent
      .post(`/notifications/${first(items).id}/unread`)
      .set('Accept', json)
      .expect(422)
      .expect('Content-Type', problem)
  })

  it('answers a form with the page it came from', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const back = (referer: string) =>
      agent
        .post(`/notifications/${first(items).id}/read`)
        .set('Referer', referer)
        .expect(303)
    await back(`${host.url}/notifications?filter=unread&before=x`).expect('Location', '/notifications?filter=unread&before=x')
    await back(`${host.url}/page#part`).expect('Location', '/page')
  })

  it('goes to the inbox instead where the page it came from is unknown, foreign or crooked', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const path = `/notifications/${first(items).id}/read`
    await agent.post(path).expect(303).expect('Location', '/notifications')
    for (const referer of [
      'https://evil.example/notifications',
      `${host.url}//evil.example/`,
      `${host.url}/\\evil.example`,
      `${host.url}/\t/evil.example`,
      `http://${new URL(host.url).host}@evil.example/x`,
      'javascript:alert(1)',
      'nonsense',
      '//evil.example',
      '',
    ]) {
      const { headers } = await agent.post(path).set('Referer', referer).expect(303)
      assert.equal(headers.location, '/notifications', referer)
    }
  })

  it('as unread does not go back to the page that would read it again', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    const page = `/notifications/${first(items).id}`
    await agent.get(page).expect(200)
    await agent
      .post(`${page}/unread`)
      .set('Referer', host.url + page)
      .expect(303)
      .expect('Location', '/notifications')
    await agent
      .post(`${page}/archive`)
      .set('Referer', host.url + page)
      .expect(303)
      .expect('Location', page)
  })

  it('as unread does not go back there either where another process chose an id that addresses have to encode', async () => {
    const database = new Database(':memory:')
    await using host = await Host.start({ database })
    database.exec(`INSERT INTO notifications (id, audience, title) VALUES ('build 12: done', 'user:ada', 'Built')`)
    const agent = await host.enter('ada')
    const page = '/notifications/build%2012%3A%20done'
    await agent.get(page).expect(200)
    await agent
      .post(`${page}/unread`)
      .set('Referer', host.url + page)
      .expect(303)
      .expect('Location', '/notifications')
  })
})

describe('read-all', () => {
  it('marks what was shown; what arrived later stays unread', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 3)
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Meanwhile' })
    const { body } = await agent
      .post('/notifications/read-all')
      .set('Accept', json)
      .send({ upTo: first(items).cursor })
      .expect(200)
    assert.equal(body.unread, 1)
  })

  it('takes a form and goes back', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 3)
    await agent
      .post('/notifications/read-all')
      .type('form')
      .send({ upTo: first(items).cursor })
      .expect(303)
      .expect('Location', '/notifications')
    assert.equal(await host.notifications.unreadCount('ada'), 0)
  })

  it('marks nothing where the page is of the one who was signed in before', async () => {
    await using host = await Host.start()
    const { agent } = await withInbox(host, 'ada', 1)
    const { agent: next } = await withInbox(host, 'bob', 2)
    const { text } = await agent.get('/notifications').set('Accept', 'text/html').expect(200)
    const [, action = '', upTo = ''] = /action="([^"]+read-all[^"]*)"[\s\S]*?name="upTo" value="([^"]+)"/.exec(text) ?? []
    await next.post(action).set('Accept', 'text/html').type('form').send({ upTo }).expect(401)
    assert.equal(await host.notifications.unreadCount('bob'), 2)
    await agent.post(action).type('form').send({ upTo }).expect(303)
    assert.equal(await host.notifications.unreadCount('ada'), 0)
  })

  for (const [what, status, type, body] of [
    ['without upTo', 422, 'form', ''],
    ['with an empty upTo', 422, 'form', 'upTo='],
    ['with upTo null', 400, 'json', '{"upTo":null}'],
    ['with a cursor nobody gave out', 400, 'form', 'upTo=zz-zzzzzz'],
    ['with a repeated upTo', 400, 'form', 'upTo=a&upTo=b'],
    ['with a number', 400, 'json', '{"upTo":7}'],
    ['with an array for a body', 400, 'json', '["upTo"]'],
    ['with broken JSON', 400, 'json', '{"upTo":'],
    ['with a body that is too large', 413, 'json', `{"upTo":"${'x'.repeat(20_000)}"}`],
    ['with plain text', 415, 'text/plain', 'upTo=1'],
    ['with a multipart form', 415, 'multipart/form-data; boundary=x', '--x--'],
    ['in an unknown charset', 415, 'application/json; charset=klingon', '{}'],
    ['with the name of a prototype', 422, 'json', '{"__proto__":{"upTo":"x"}}'],
  ] as const) {
    it(`${what} is refused with ${status}, in both faces, and changes nothing`, async () => {
      await using host = await Host.start()
      const { agent } = await withInbox(host, 'ada', 1)
      const send = (accept: string) => agent.post('/notifications/read-all').set('Accept', accept).type(type).send(body).expect(status)
      await send(json).expect('Content-Type', problem)
      await send('text/html').expect('Content-Type', /html/)
      assert.equal(await host.notifications.unreadCount('ada'), 1)
      assert.deepEqual(host.errors, [])
    })
  }

  it('takes no list of one for a cursor', async () => {
    await using host = await Host.start()
    const { agent, items } = await withInbox(host, 'ada', 1)
    await agent
      .post('/notifications/read-all')
      .set('Accept', json)
      .send({ upTo: [first(items).cursor] })
      .expect(400)
  })

  it('reads the body that the host parsed already', async () => {
    await using host = await Host.start({ before: (app) => app.use(express.json(), express.urlencoded({ extended: true })) })
    const { agent, items } = await withInbox(host, 'ada', 1)
    const { body } = await agent
      .post('/notifications/read-all')
      .set('Accept', json)
      .send({ upTo: first(items).cursor })
      .expect(200)
    assert.equal(body.unread, 0)
    await agent.post('/notifications/read-all').set('Accept', json).type('form').send('upTo[a]=1').expect(400)
  })
})

describe('the socket’s address', () => {
  it('answers 426 without an upgrade', async () => {
    await using host = await Host.start()
    await host.anybody.get('/notifications/socket').expect(426).expect('Upgrade', 'websocket').expect('Content-Type', problem)
  })
})

describe('what the router does not know', () => {
  it('is left to the host', async () => {
    await using host = await Host.start()
    const ada = await host.enter('ada')
    await ada.get('/notifications/a/b/c').expect(404)
    await ada.put('/notifications/abc').expect(404)
    await ada.get('/notifications/abc/read').expect(404)
    assert.equal(await host.notifications.unreadCount('ada'), 0)
  })
})

describe('an id that another process chose', () => {
  it('opens what is in the inbox, whatever it is; one that would lead elsewhere is refused', async () => {
    await using host = await Host.start()
    const routes = host.notifications.router().stack.flatMap(({ route }) => /^\/([a-z-]+)$/.exec(String(route?.path))?.[1] ?? [])
    assert.ok(routes.includes('unread') && routes.includes('preferences'), 'the routes were found')
    const elsewhere = ['unread', 'stream', 'socket', 'preferences', 'Unread', 'STREAM', '.', '..']
    const fine = ['read', 'read-all', 'assets', 'unread ', 'a/b', 'unread/', '%75nread', '%2e', 'ł', '...', '?', '#']
    for (const id of new Set([...routes, ...elsewhere, ...fine]))
      host.foreign(`INSERT INTO notifications (id, audience, title) VALUES ('${id}', 'user:ada', 'x')`)
    const ada = await host.enter('ada')
    const { items, unread } = await host.notifications.list('ada', { limit: 100 })
    assert.deepEqual([items.map(({ id }) => id).toSorted(), unread], [fine.toSorted(), fine.length])
    for (const { id } of items) {
      const { pathname } = new URL(`/notifications/${encodeURIComponent(id)}`, host.url)
      const { body } = await ada.get(pathname).set('Accept', json).expect(200)
      assert.equal(body.id, id)
      await ada.post(`${pathname}/archive`).set('Accept', json).expect(200)
    }
    assert.deepEqual((await host.notifications.list('ada', { filter: 'archived' })).items.length, fine.length)
  })
})
