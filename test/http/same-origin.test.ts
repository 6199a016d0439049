import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import express, { type ErrorRequestHandler } from 'express'
import request from 'supertest'
import type { NotificationsOptions } from '../../src/notifications/index.js'
import { Host } from '../helpers/embedded.js'

type Headers = Readonly<Record<string, string>>

/** Marks a notification with just these headers, and says what was answered and whether it was read by that. */
async function attempt(headers: (url: string) => Headers, options: Partial<NotificationsOptions> = {}, method: 'post' | 'put' | 'delete' = 'post') {
  await using host = await Host.start(options)
  const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
  const ada = await host.enter('ada')
  const sending = ada[method](`/notifications/${id}/read`).set('Accept', 'application/json').unset('Sec-Fetch-Site')
  const { status, headers: answered } = await sending.set(headers(host.url))
  const read = (await host.notifications.unreadCount('ada')) === 0
  return { status, read, type: answered['content-type'] }
}

describe('the same-origin rule', () => {
  const allowed: readonly [string, (url: string) => Headers, Partial<NotificationsOptions>?][] = [
    ['Sec-Fetch-Site: same-origin', () => ({ 'Sec-Fetch-Site': 'same-origin' })],
    ['Sec-Fetch-Site: none', () => ({ 'Sec-Fetch-Site': 'none' })],
    ['the own Origin, where Sec-Fetch-Site is absent', (url) => ({ Origin: url })],
    ['Sec-Fetch-Site: same-origin, whatever the Origin, where no list is configured', () => ({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' })],
    ['an Origin of the list', () => ({ Origin: 'https://app.example' }), { allowedOrigins: ['https://app.example'] }],
    [
      'both, with an Origin of the list',
      () => ({ 'Sec-Fetch-Site': 'same-origin', Origin: 'https://app.example' }),
      { allowedOrigins: ['https://app.example'] },
    ],
    [
      'Sec-Fetch-Site: same-origin without an Origin, beside a list',
      () => ({ 'Sec-Fetch-Site': 'same-origin' }),
      { allowedOrigins: ['https://app.example'] },
    ],
    [
      'the Origin by which a trusted proxy was reached',
      () => ({ Origin: 'https://app.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'app.example' }),
      { trustProxy: 'loopback' },
    ],
  ]
  for (const [what, headers, options] of allowed) {
    it(`lets ${what} pass`, async () => {
      assert.deepEqual(await attempt(headers, options), { status: 200, read: true, type: 'application/json; charset=utf-8' })
    })
  }

  const refused: readonly [string, (url: string) => Headers, Partial<NotificationsOptions>?][] = [
    ['neither header', () => ({})],
    ['Sec-Fetch-Site: cross-site', () => ({ 'Sec-Fetch-Site': 'cross-site' })],
    ['Sec-Fetch-Site: same-site', () => ({ 'Sec-Fetch-Site': 'same-site' })],
    ['an unknown Sec-Fetch-Site', () => ({ 'Sec-Fetch-Site': 'Same-Origin' })],
    ['an empty Sec-Fetch-Site beside the own Origin', (url) => ({ 'Sec-Fetch-Site': '', Origin: url })],
    ['Sec-Fetch-Site: cross-site beside the own Origin', (url) => ({ 'Sec-Fetch-Site': 'cross-site', Origin: url })],
    ['a foreign Origin', () => ({ Origin: 'https://evil.example' })],
    ['the Origin null', () => ({ Origin: 'null' })],
    ['an Origin that cannot be read', () => ({ Origin: 'nonsense' })],
    ['the own host on another port', (url) => ({ Origin: url.replace(/\d+$/, '1') })],
    ['the own host by another scheme', (url) => ({ Origin: url.replace('http', 'https') })],
    ['an Origin that begins like the own', (url) => ({ Origin: `${url}.evil.example` })],
    [
      'an Origin outside the list, though Sec-Fetch-Site agrees',
      () => ({ 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' }),
      { allowedOrigins: ['https://app.example'] },
    ],
    ['the own Origin where a list replaces it', (url) => ({ Origin: url }), { allowedOrigins: ['https://app.example'] }],
    ['a bearer token beside a cookie', () => ({ Authorization: 'Bearer anything' })],
    [
      'a host that only claims to be behind a proxy',
      () => ({ Origin: 'https://app.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'app.example' }),
    ],
  ]
  for (const [what, headers, options] of refused) {
    it(`refuses ${what} with 403, and nothing changes`, async () => {
      assert.deepEqual(await attempt(headers, options), { status: 403, read: false, type: 'application/problem+json; charset=utf-8' })
    })
  }

  for (const method of ['put', 'delete'] as const) {
    it(`holds for ${method.toUpperCase()}, too`, async () => {
      assert.equal((await attempt(() => ({}), {}, method)).status, 403)
    })
  }

  it('does not honour _method', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const ada = await host.enter('ada')
    await ada.get(`/notifications/${id}/read?_method=POST`).set('X-HTTP-Method-Override', 'POST').expect(404)
    assert.equal(await host.notifications.unreadCount('ada'), 1)
  })

  it('guards routes of the host’s own when it is mounted there', async () => {
    await using host = await Host.start()
    const app = express()
    app.use(host.notifications.sameOrigin())
    app.post('/posts', (_req, res) => void res.send('posted'))
    app.use(((error, _req, res, _next) => void res.status(error.status).send(error.code)) as ErrorRequestHandler)
    await request(app).post('/posts').expect(403, 'foreign_origin')
    await request(app).post('/posts').set('Sec-Fetch-Site', 'same-origin').expect(200, 'posted')
    await request(app).get('/posts').expect(404)
  })

  it('tells the host whose forms it refused, once, where the proxy in front may be what is wrong', async () => {
    const warnings: string[] = []
    const logger = { info: () => {}, warn: (_about: unknown, text: string) => void warnings.push(text), error: () => {} }
    const behind = { Origin: 'http://bell.example:8080' }
    await using host = await Host.start({ logger })
    const ada = await host.enter('ada')
    const send = (headers: Headers) => ada.post('/notifications/read-all').unset('Sec-Fetch-Site').set(headers).expect(403)
    for (const headers of [{}, { Origin: 'null' }, { ...behind, 'Sec-Fetch-Site': 'cross-site' }, { ...behind, 'Sec-Fetch-Site': 'same-site' }])
      await send(headers)
    assert.deepEqual(warnings, [])
    await send(behind)
    await send(behind)
    assert.deepEqual(warnings, [
      `a form was refused to a page of http://bell.example:8080, as only pages of ${host.url} may open live connections and send forms: behind a proxy set trustProxy and let it pass Host, or name your origins in allowedOrigins`,
    ])
  })

  it('refuses people with a page', async () => {
    await using host = await Host.start()
    const ada = await host.enter('ada')
    const answer = await ada.post('/notifications/read-all').set('Sec-Fetch-Site', 'cross-site').set('Accept', 'text/html').expect(403)
    assert.match(answer.headers['content-type'] ?? '', /html/)
  })
})
