import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { startTestApp, type TestApp } from '../helpers/app.js'
import { fieldErrors, formValues } from '../helpers/forms.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

const COMPOSE = '/admin/notifications'

/** What the fresh form sends as it stands, with these fields filled in. */
async function filled(admin: Visitor, fields: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  return { ...formValues(await (await admin.get(`${COMPOSE}/new`)).text(), COMPOSE), ...fields }
}

async function sentBy(app: TestApp): Promise<readonly string[]> {
  return (await app.notifications.sent()).entries.map(({ notification }) => notification.title)
}

const buttons = (page: string) => [...page.matchAll(/<button class="button"[^>]*>([^<]*)</g)].map(([, words]) => words)

describe('a time in the compose form', () => {
  for (const [box, time, words] of [
    ['planned', 'publishAt', /whole date and time; to send at once, untick/],
    ['expires', 'expiresAt', /whole date and time; to keep it for good, untick/],
  ] as const) {
    it(`that was asked for and is missing sends nothing, and keeps all else that was typed (${time})`, async () => {
      await using app = await startTestApp()
      const admin = await app.signIn('admin')
      const typed = await filled(admin, { audience: 'everyone', title: 'Half a time', body: 'More', [box]: 'yes', [time]: '' })
      const answer = await admin.post(COMPOSE, { form: typed })
      const page = await answer.text()
      assert.equal(answer.status, 422)
      assert.deepEqual(Object.keys(fieldErrors(page)), [time])
      assert.match(fieldErrors(page)[time] ?? '', words)
      assert.deepEqual(formValues(page, COMPOSE), typed)
      assert.deepEqual(await sentBy(app), [])
      const { [box]: _, ...untickedNow } = typed
      assert.equal((await admin.post(COMPOSE, { form: untickedNow })).status, 303)
      assert.deepEqual(await sentBy(app), ['Half a time'])
    })
  }

  it('that has passed sends nothing: a year may be mistyped', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const form = { audience: 'everyone', title: 'Long ago', planned: 'yes', publishAt: '2020-07-01T12:00', timeZone: 'UTC' }
    const answer = await admin.post(COMPOSE, { form })
    assert.equal(answer.status, 422)
    assert.match(fieldErrors(await answer.text()).publishAt ?? '', /This time has passed/)
    const script = await admin.postJson<{ errors: { field: string }[] }>(COMPOSE, form)
    assert.deepEqual([script.status, script.body.errors.map(({ field }) => field)], [422, ['publishAt']])
    assert.deepEqual(await sentBy(app), [])
  })
})

describe('the button of the compose form', () => {
  it('names no number that a change of the fields makes false', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    assert.deepEqual(buttons(await (await admin.get(`${COMPOSE}/new`)).text()), ['Send'])
    const refused = await admin.post(COMPOSE, { form: { audience: 'user', recipients: 'admin', title: '' } })
    assert.deepEqual(buttons(await refused.text()), ['Send'])
  })
})

describe('before a thousand people or more are written to', () => {
  it('the form asks once; a script just sends', async () => {
    await using app = await startTestApp()
    const admin = await crowded(app)
    const asked = await admin.post(COMPOSE, { form: await filled(admin, { audience: 'everyone', title: 'To all' }) })
    const page = await asked.text()
    assert.equal(asked.status, 200)
    assert.deepEqual(buttons(page), ['Send to 1,001 people'])
    assert.deepEqual(await sentBy(app), [])
    const change = await (await admin.post(COMPOSE, { form: { ...formValues(page, COMPOSE), confirm: 'change' } })).text()
    assert.equal(formValues(change, COMPOSE).title, 'To all')
    assert.deepEqual(buttons(change), ['Send'])
    assert.equal((await admin.post(COMPOSE, { form: { ...formValues(page, COMPOSE), confirm: 'yes' } })).status, 303)
    assert.equal((await admin.post(COMPOSE, { form: { audience: 'everyone', title: 'By a script' } })).status, 303)
    assert.deepEqual(await sentBy(app), ['By a script', 'To all'])
  })

  it('all that will be sent is shown, to whom by name, and when', async () => {
    await using app = await startTestApp()
    const admin = await crowded(app)
    const recipients = Array.from({ length: 1000 }, (_, n) => `USER-${999 - n}`).join('\n')
    const form = await filled(admin, {
      ...{ audience: 'users', recipients, title: '<i>Title</i>', body: 'First\nSecond', url: '/posts/1', level: 'warning', category: 'billing' },
      ...{ planned: 'yes', publishAt: '2040-03-25T02:30', expires: 'yes', expiresAt: '2040-07-02T12:00', timeZone: 'Europe/Vienna' },
    })
    const page = await (await admin.post(COMPOSE, { form })).text()
    const facts = [...page.matchAll(/<dt>(.*?)<\/dt><dd class="wrap">(.*?)<\/dd>/g)].map(([, word, text]) => [word, text])
    assert.deepEqual(facts, [
      ['To', 'user-0, user-1, and 998 others'],
      ['Appears', '25 Mar 2040, 03:30 CEST (Europe/Vienna)'],
      ['Disappears', '2 Jul 2040, 12:00 CEST (Europe/Vienna)'],
      ['Link', '/posts/1'],
      ['Level', 'warning'],
      ['Category', 'billing'],
    ])
    assert.match(page, /<h2 class="wrap">&lt;i&gt;Title&lt;\/i&gt;<\/h2>\s*<p class="text wrap">First\nSecond<\/p>/)
    assert.match(page, /All 1,000 people by name<\/summary>\s*<p class="wrap">user-0, user-1, user-10, user-100, .*, user-999</)
  })

  it('what is absent is said, too', async () => {
    await using app = await startTestApp()
    const admin = await crowded(app)
    const page = await (await admin.post(COMPOSE, { form: await filled(admin, { audience: 'role', role: 'member', title: 'Plain' }) })).text()
    const facts = [...page.matchAll(/<dd class="wrap">(.*?)<\/dd>/g)].map(([, text]) => text)
    assert.deepEqual(facts, ['everyone with the role member', 'at once', 'not by itself', 'none', 'info', 'none'])
    assert.doesNotMatch(page, /by name/)
  })
})

describe('a server whose zone has no name', () => {
  it('has the clock of UTC, and says so', async () => {
    await using server = await ServerProcess.start({ TZ: '/usr/share/zoneinfo/Europe/Vienna' })
    const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
    const page = await (await admin.get(`${COMPOSE}/new`)).text()
    assert.match(page, /the server's is UTC\./)
    assert.equal(formValues(page, COMPOSE).timeZone, 'UTC')
    const planned = { ...formValues(page, COMPOSE), audience: 'everyone', title: 'At nine', planned: 'yes', publishAt: '2099-01-31T09:00' }
    const sent = await admin.post(COMPOSE, { form: planned })
    assert.match(await (await admin.get(sent.headers.get('location') ?? '')).text(), /31 Jan 2099, 09:00 UTC/)
  })
})

describe('while another process keeps the database locked', () => {
  it('what was typed to one or to many is kept: nothing is sent, and the same form sends it once the lock is gone', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const compose = await filled(admin, { audience: 'everyone', title: 'Patience', body: 'Typed at length' })
    const message = { ...formValues(await (await admin.get('/messages/new')).text(), '/messages'), to: 'admin', title: 'Patience', body: 'Too' }
    const other = new Database(app.context.config.databasePath)
    other.exec('BEGIN IMMEDIATE')
    const answers = await Promise.all([admin.post(COMPOSE, { form: compose }), admin.post('/messages', { form: message })])
    other.close()
    for (const [answer, action, typed] of [
      [answers[0], COMPOSE, compose],
      [answers[1], '/messages', message],
    ] as const) {
      const page = await answer.text()
      assert.equal(answer.status, 503, action)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      assert.match(page, /Nothing was sent:/)
      assert.deepEqual(formValues(page, action), typed)
      assert.equal((await admin.post(action, { form: formValues(page, action) })).status, 303)
    }
    assert.deepEqual(await sentBy(app), ['Patience', 'Patience'])
  })
})

/** An app with a thousand members, and its admin. */
async function crowded(app: TestApp): Promise<Visitor> {
  const { handle } = app.context.database
  const insert = handle.prepare(`INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'x', 'member', 0, 0)`)
  handle.transaction(() => {
    for (let n = 0; n < 1000; n++) insert.run(`user-${n}`)
  })()
  return app.signIn('admin')
}
