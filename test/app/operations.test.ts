import assert from 'node:assert/strict'
import { copyFileSync, renameSync } from 'node:fs'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { pino } from 'pino'
import request from 'supertest'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { Visitor } from '../helpers/visitor.js'

describe('GET /healthz', () => {
  it('says that all is well, to anyone and without a session', async () => {
    await using app = await startTestApp()
    const answer = await request(app.url)
      .get('/healthz')
      .expect(200)
      .expect('Content-Type', /application\/json/)
    assert.deepEqual(answer.body, { status: 'ok', database: true, notifications: true })
    assert.equal(answer.get('Set-Cookie'), undefined)
  })

  it('is 503 while the database or the sessions are out, and well again when they are back', async () => {
    await using app = await startTestApp()
    const { handle } = app.context.database
    handle.exec('ALTER TABLE sessions RENAME TO sessions_away')
    const answer = await request(app.url).get('/healthz').expect(503)
    assert.equal(answer.body.database, false)
    assert.ok(Number(answer.get('Retry-After')) > 0)
    handle.exec('ALTER TABLE sessions_away RENAME TO sessions')
    await request(app.url).get('/healthz').expect(200)
  })
})

describe('where the database file is removed, or another put in its place, under the running app', () => {
  for (const [what, act] of [
    ['removed', (file: string) => renameSync(file, `${file}.away`)],
    [
      'replaced',
      (file: string) => {
        renameSync(file, `${file}.away`)
        copyFileSync(`${file}.away`, file)
      },
    ],
  ] as const) {
    it(`/healthz is 503, which the log explains once, until it is back (${what})`, async () => {
      const lines: string[] = []
      const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
      await using app = await startTestApp({}, { log })
      await request(app.url).get('/healthz').expect(200)
      const file = app.context.config.databasePath
      for (let round = 1; round <= 2; round++) {
        act(file)
        for (let n = 0; n < 3; n++) {
          const { body } = await request(app.url).get('/healthz').expect(503)
          assert.deepEqual([body.status, body.notifications], ['out', false])
        }
        assert.equal(lines.length, round)
        assert.match(lines.at(-1) ?? '', /The database file .*belfry\.db was removed or replaced/)
        renameSync(`${file}.away`, file)
        await request(app.url).get('/healthz').expect(200)
      }
    })
  }
})

describe('while the session store is out', () => {
  it('pages, forms and scripts get 503 with Retry-After, and it heals by itself', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const { handle } = app.context.database
    handle.exec('ALTER TABLE sessions RENAME TO sessions_away')
    for (const path of ['/notifications', '/account', '/notifications/unread']) {
      const answer = await ada.get(path)
      assert.equal(answer.status, 503, path)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    const form = await ada.post('/account/password', { form: { current: 'x', password: 'y' } })
    assert.equal(form.status, 503)
    assert.doesNotMatch(await form.text(), /SqliteError|no such table/)
    handle.exec('ALTER TABLE sessions_away RENAME TO sessions')
    assert.equal((await ada.get('/account')).status, 200)
  })
})

describe('while another process keeps the database locked', () => {
  it('pages go on, a sign-in is 503 within ten seconds, which the log explains, and all is well again afterwards', async () => {
    const logged: string[] = []
    await using app = await startTestApp({}, { log: pino({ level: 'error' }, { write: (line: string) => void logged.push(line) }) })
    const ada = await app.signIn('ada')
    await ada.get('/account')
    const other = new Database(app.context.config.databasePath)
    other.exec('BEGIN IMMEDIATE')
    const since = performance.now()
    const entering = new Visitor(app.url).post('/login', { form: { username: 'ada', password: PASSWORD } })
    const notifying = assert.rejects(app.notifications.notify({ to: 'everyone', title: 'Kept waiting' }), /locked/)
    for (const path of ['/account', '/notifications', '/notifications/unread', '/healthz']) assert.equal((await ada.get(path)).status, 200, path)
    const answer = await entering
    assert.equal(answer.status, 503)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.ok(performance.now() - since < 10_000)
    assert.deepEqual(answer.headers.getSetCookie(), [])
    assert.match(logged.join(''), /"message":"[^"]*database is locked/)
    await notifying
    assert.match((await request(app.url).get('/metrics')).text, /^belfry_store_failures_total\{operation="write"\} 1$/m)
    other.close()
    await Visitor.signedIn(app.url, 'ada', PASSWORD)
  })
})

describe('GET /metrics', () => {
  it('tells loopback what is counted, Node’s defaults included', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    await using _tab = await ada.openTab()
    const { text } = await request(app.url)
      .get('/metrics')
      .expect(200)
      .expect('Content-Type', /text\/plain/)
    assert.match(text, /^belfry_connections 1$/m)
    for (const name of [
      'belfry_pushes_total',
      'belfry_push_seconds',
      'belfry_upgrades_refused_total',
      'belfry_store_seconds',
      'belfry_store_failures_total',
      'nodejs_eventloop_lag_seconds',
    ]) {
      assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
    }
  })

  it('counts what the database fails, by whether it was to be read or written', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const failures = async () =>
      [...(await request(app.url).get('/metrics')).text.matchAll(/^belfry_store_failures_total\{operation="(\w+)"\} (\d+)$/gm)].map(([, ...told]) =>
        told.join(' '),
      )
    assert.deepEqual(await failures(), ['read 0', 'write 0'])
    await assert.rejects(app.notifications.recall('nothing-like-this'), 'that there is none is no failure')
    assert.deepEqual(await failures(), ['read 0', 'write 0'])
    app.context.database.handle.exec('DROP TABLE notification_changes')
    await assert.rejects(app.notifications.notify({ to: 'everyone', title: 'Nobody can be told' }))
    assert.deepEqual(await failures(), ['read 0', 'write 1'])
    app.context.database.handle.exec('DROP TABLE notification_users')
    assert.equal((await ada.get('/notifications/unread')).status, 503)
    const [read] = await failures()
    assert.match(read ?? '', /^read [1-9]/)
  })

  it('refuses others by the address that a trusted proxy gives', async () => {
    await using app = await startTestApp({ TRUST_PROXY: '1' })
    await request(app.url)
      .get('/metrics')
      .set('X-Forwarded-For', '203.0.113.7')
      .expect(403, /same machine only/)
    await request(app.url).get('/metrics').set('X-Forwarded-For', '127.0.0.1').expect(200)
    await using plain = await startTestApp()
    await request(plain.url).get('/metrics').set('X-Forwarded-For', '203.0.113.7').expect(200)
  })

  it('with a token answers those who have it, and nobody else', async () => {
    await using app = await startTestApp({ METRICS_TOKEN: 'the-token' })
    await request(app.url)
      .get('/metrics')
      .expect(403, /Authorization: Bearer/)
    for (const value of ['Bearer nope', 'Bearer the-token2', 'Bearer', 'Basic the-token', 'Bearer  ']) {
      await request(app.url).get('/metrics').set('Authorization', value).expect(403)
    }
    await request(app.url).get('/metrics?token=the-token').expect(403)
    await request(app.url).get('/metrics').set('Authorization', 'Bearer the-token').expect(200)
  })
})

describe('every answer', () => {
  it('carries a strict policy, and is not told apart by a server name', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    for (const path of ['/account', '/notifications', '/login', '/nowhere', '/app.css']) {
      const { headers } = await ada.get(path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /require-trusted-types-for 'script'/)
      assert.doesNotMatch(policy, /unsafe|upgrade-insecure-requests|https?:/)
      assert.equal(headers.get('referrer-policy'), 'same-origin')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('x-powered-by'), null)
      assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    }
  })

  it('holds no script or style of its own', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    for (const path of ['/account', '/notifications', '/login', '/nowhere']) {
      const page = await (await ada.get(path)).text()
      assert.doesNotMatch(page, /<style|<script(?![^>]+src=)|\son\w+=|\sstyle=/i, path)
    }
  })

  it('of a file is kept for good under the address of its version only', async () => {
    await using app = await startTestApp()
    const page = await (await new Visitor(app.url).get('/login')).text()
    const [href = ''] = /(\/build)?\/app\.css\?v=[\w-]+/.exec(page) ?? []
    await request(app.url)
      .get(href)
      .expect(200)
      .expect('Cache-Control', /immutable/)
    await request(app.url).get('/app.css').expect(200).expect('Cache-Control', 'public, no-cache')
    await request(app.url).get('/app.css?v=other').expect(200).expect('Cache-Control', 'public, no-cache')
    const answer = await request(app.url).get('/missing.css?v=')
    assert.doesNotMatch(answer.get('Cache-Control') ?? '', /public/)
  })
})
