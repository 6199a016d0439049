import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { startTestApp, type TestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { fieldErrors, formValues } from '../helpers/forms.js'
import type { Visitor } from '../helpers/visitor.js'

const COMPOSE = '/admin/notifications'

interface SentJson {
  readonly id: string
  readonly to: unknown
  readonly title: string | null
  readonly body: string | null
  readonly status: string
  readonly recipients: number
  readonly read: number
  readonly by: string
  readonly readers?: readonly { readonly username: string; readonly readAt: string | null }[]
}

describe('the compose form', () => {
  it('is for admins: a member is refused, somebody signed out is sent to sign in', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    for (const path of [COMPOSE, `${COMPOSE}/new`, `${COMPOSE}/some-id`]) {
      assert.equal((await ada.get(path)).status, 403, path)
      const answer = await request(app.url).get(path).expect(303)
      assert.equal(answer.get('Location'), `/login?next=${encodeURIComponent(path)}`)
      await request(app.url).get(path).set('Accept', 'application/json').expect(401)
    }
    for (const path of [COMPOSE, `${COMPOSE}/some-id/recall`]) {
      assert.equal((await ada.post(path, { form: { audience: 'everyone', title: 'x' } })).status, 403, path)
    }
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('says how many people each audience reaches, the disabled not among them', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    await app.context.accounts.disable(await app.addUser('bob'))
    const admin = await app.signIn('admin')
    const page = await (await admin.get(`${COMPOSE}/new`)).text()
    assert.match(page, /value="everyone"> Everyone <span class="meta">2 people<\/span>/)
    assert.match(page, /member \(1 person\)/)
    assert.match(page, /the server's is /)
  })

  for (const [what, fields, who] of [
    ['one person', { audience: 'user', recipients: 'ADA' }, ['ada']],
    ['several people', { audience: 'users', recipients: 'ada,\r\nbob' }, ['ada', 'bob']],
    ['a role', { audience: 'role', role: 'member' }, ['ada', 'bob', 'carol']],
    ['everyone, the sender included', { audience: 'everyone' }, ['ada', 'bob', 'carol', 'admin']],
  ] as const) {
    it(`reaches ${what} and nobody else`, async () => {
      await using app = await startTestApp()
      const admin = await app.signIn('admin')
      const people = { ada: await app.signIn('ada'), bob: await app.signIn('bob'), carol: await app.signIn('carol'), admin }
      const answer = await admin.post(COMPOSE, { form: { ...fields, title: 'Hello' } })
      assert.equal(answer.status, 303)
      assert.match(answer.headers.get('location') ?? '', /^\/admin\/notifications\/[\w-]+$/)
      for (const [name, visitor] of Object.entries(people)) {
        assert.equal((await visitor.state()).unread, (who as readonly string[]).includes(name) ? 1 : 0, name)
      }
      const report = await admin.getJson<SentJson>(answer.headers.get('location') ?? '')
      assert.equal(report.recipients, who.length)
    })
  }

  it('answers a script with the stored notification and where its report is', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    const admin = await app.signIn('admin')
    const answer = await admin.post(COMPOSE, {
      json: { audience: 'users', recipients: 'ada', title: ' Hi ', level: 'warning' },
      headers: { accept: 'application/json' },
    })
    const stored = (await answer.json()) as SentJson & { level: string }
    assert.equal(answer.status, 201)
    assert.equal(answer.headers.get('location'), `${COMPOSE}/${stored.id}`)
    assert.deepEqual([stored.to, stored.title, stored.level], [{ users: ['ada'] }, 'Hi', 'warning'])
  })

  it('that is refused keeps every value and ties each message to its field', async () => {
    await using app = await startTestApp()
    await app.context.accounts.disable(await app.addUser('bob'))
    const admin = await app.signIn('admin')
    const typed = {
      ...{ audience: 'users', recipients: 'zed, bob "quoted" <i>', role: 'admin', title: ' ', body: '\n<b>first line kept empty</b>\n' },
      ...{ url: 'javascript:alert("1")', level: 'fatal', category: '&amp;'.repeat(20), planned: 'yes', publishAt: 'tomorrow' },
      ...{ expires: 'yes', expiresAt: '2001-01-01T10:00', timeZone: 'Mars/Base', idempotencyKey: 'k'.repeat(201), signedInAs: 'admin' },
    }
    const answer = await admin.post(COMPOSE, { form: typed })
    const page = await answer.text()
    assert.equal(answer.status, 422)
    const { confirm: _, ...kept } = formValues(page, COMPOSE)
    assert.deepEqual(kept, typed)
    const errors = fieldErrors(page)
    const wrong = ['recipients', 'title', 'url', 'level', 'category', 'publishAt', 'expiresAt', 'timeZone']
    assert.deepEqual(Object.keys(errors).toSorted(), wrong.toSorted())
    assert.match(errors.recipients ?? '', /nobody called zed, quoted, or i\. bob is disabled/)
    assert.match(page, /class="error-summary"[^>]*tabindex="-1" autofocus/)
    for (const field of wrong) assert.match(page, new RegExp(`href="#field-${field}"`), field)
    assert.doesNotMatch(page, /<i>|<b>first/)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('that is refused tells a script of each field', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { status, body } = await admin.postJson<{ errors: { field: string }[] }>(COMPOSE, { audience: 'user', recipients: 'zed', title: '' })
    assert.equal(status, 422)
    assert.deepEqual(body.errors.map(({ field }) => field).toSorted(), ['recipients', 'title'])
  })

  it('must choose an audience', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const page = await (await admin.post(COMPOSE, { form: { title: 'x' } })).text()
    assert.deepEqual(fieldErrors(page), { audience: 'Choose whom it is for.' })
  })

  it('cannot be read with a field twice, too much in it, or another type', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const send = (type: string, body: string) =>
      request(app.url).post(COMPOSE).set({ Cookie: admin.cookie, Origin: app.url, 'Content-Type': type }).send(body)
    await send('application/x-www-form-urlencoded', 'audience=everyone&title=a&title=b').expect(400)
    await send('application/json', '{"audience":').expect(400)
    await send('application/json', '["everyone"]').expect(400)
    await send('application/json', '{"audience":"everyone","title":7}').expect(400)
    await send('text/plain', 'title=a').expect(415)
    await send('application/x-www-form-urlencoded', `title=${'a'.repeat(600_000)}`).expect(413)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('is refused from a foreign page', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const answer = await admin.post(COMPOSE, { form: { audience: 'everyone', title: 'x' }, headers: { origin: 'https://evil.example' } })
    assert.equal(answer.status, 403)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('sent twenty times at once makes one notification, and leads to it each time', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const form = { ...formValues(await (await admin.get(`${COMPOSE}/new`)).text(), COMPOSE), audience: 'everyone', title: 'Once' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => admin.post(COMPOSE, { form })))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [303])
    assert.equal(new Set(answers.map((answer) => answer.headers.get('location'))).size, 1)
    assert.equal((await app.notifications.sent()).entries.length, 1)
  })

  it('sent again with other words keeps them, and sends them as another one when that is meant', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const form = { ...formValues(await (await admin.get(`${COMPOSE}/new`)).text(), COMPOSE), audience: 'everyone', title: 'First' }
    await admin.post(COMPOSE, { form })
    const refused = await admin.post(COMPOSE, { form: { ...form, title: 'Second' } })
    assert.equal(refused.status, 409)
    const again = formValues(await refused.text(), COMPOSE)
    assert.equal(again.title, 'Second')
    assert.equal((await admin.post(COMPOSE, { form: again })).status, 303)
    assert.deepEqual(
      (await app.notifications.sent()).entries.map(({ notification }) => notification.title),
      ['Second', 'First'],
    )
  })

  it('publishes at the time on the wall of the zone that was chosen', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const form = {
      audience: 'everyone',
      title: 'Later',
      publishAt: '2040-07-01T12:00',
      expiresAt: '2040-07-02T12:00+02:00',
      timeZone: 'Asia/Kolkata',
    }
    const location = (await admin.post(COMPOSE, { form })).headers.get('location') ?? ''
    const { publishAt, expiresAt, status } = await admin.getJson<{ publishAt: string; expiresAt: string; status: string }>(location)
    assert.deepEqual([publishAt, expiresAt, status], ['2040-07-01T06:30:00.000Z', '2040-07-02T10:00:00.000Z', 'scheduled'])
    assert.equal((await admin.state()).unread, 0)
  })
})

describe('the list of what was sent', () => {
  it('says to whom, how many have it and have read it, when and by whom', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    await app.addUser('bob')
    const id = await send(admin, { audience: 'users', recipients: 'ada bob', title: 'For two' })
    await ada.get(`/notifications/${id}`)
    const page = await (await admin.get(COMPOSE)).text()
    const row = new RegExp(`<tr data-notification-id="${id}">[\\s\\S]*?</tr>`).exec(page)?.[0] ?? ''
    for (const part of ['For two', 'sent', 'ada and bob', '>2<', '>1<', '>admin<']) assert.ok(row.includes(part), `${part} in ${row}`)
    assert.match(row, /<time datetime="\d{4}-/)
  })

  it('goes on in pages of 25, each notification once', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (let n = 0; n < 60; n++) await app.notifications.notify({ to: 'everyone', title: `No. ${n}` })
    const seen: string[] = []
    let path: string | undefined = COMPOSE
    while (path !== undefined) {
      const page: string = await (await admin.get(path)).text()
      seen.push(...[...page.matchAll(/>No\. (\d+)</g)].map(([, n]) => n ?? ''))
      path = /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 60 }, (_, n) => String(59 - n)),
    )
  })

  it('is kind while it is empty', async () => {
    await using app = await startTestApp()
    assert.match(await (await (await app.signIn('admin')).get(COMPOSE)).text(), /Nothing was sent yet/)
  })

  it('refuses cursors, limits and repetitions that mean nothing', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const query of ['before=nonsense', 'limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'before=a&before=b']) {
      assert.equal((await admin.get(`${COMPOSE}?${query}`)).status, 400, query)
    }
  })

  it('leaves the disabled out of every count', async () => {
    await using app = await startTestApp()
    const [admin, ada, bob] = [await app.signIn('admin'), await app.signIn('ada'), await app.signIn('bob')]
    const everyone = await send(admin, { audience: 'everyone', title: 'All' })
    const named = await send(admin, { audience: 'users', recipients: 'ada bob', title: 'Two' })
    for (const visitor of [ada, bob]) for (const id of [everyone, named]) await visitor.get(`/notifications/${id}`)
    await disable(app, 'bob')
    const { items } = await admin.getJson<{ items: SentJson[] }>(COMPOSE)
    assert.deepEqual(
      items.map(({ title, recipients, read }) => [title, recipients, read]),
      [
        ['Two', 1, 1],
        ['All', 2, 1],
      ],
    )
    const report = await admin.getJson<SentJson>(`${COMPOSE}/${everyone}`)
    assert.deepEqual(
      report.readers?.map(({ username }) => username),
      ['ada'],
    )
    const recipients = async (id: string) => /<dt>Recipients<\/dt><dd>(.*)<\/dd>/.exec(await (await admin.get(`${COMPOSE}/${id}`)).text())?.[1]
    assert.deepEqual([await recipients(everyone), await recipients(named)], ['2', '1 <span class="meta">(not counted: 1 disabled)</span>'])
    await disable(app, 'ada')
    assert.match((await recipients(named)) ?? '', /^0 .*2 disabled/)
  })

  it('counts for a role only who had it when it was sent', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    const changed = await app.addUser('changed', 'admin')
    await send(admin, { audience: 'role', role: 'member', title: 'Members' })
    await app.addUser('late')
    await app.context.accounts.setRole(changed, 'member')
    const { items } = await admin.getJson<{ items: SentJson[] }>(COMPOSE)
    assert.equal(items[0]?.recipients, 1)
    assert.equal((await ada.state()).unread, 1)
  })

  it('shows what another program wrote, nonsense included, and nothing breaks', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    app.context.database.handle.exec(`INSERT INTO notifications (id, audience, title, url, sender) VALUES
      ('odd/id?#%', 'everyone', 'By a shell', 'javascript:alert(1)', NULL), ('bad', 'nonsense', NULL, NULL, x'ff'), ('gone', 'user:999', 'To nobody', NULL, 'cron')`)
    const page = await (await admin.get(COMPOSE)).text()
    for (const part of ['By a shell', 'another program', '(no title)', 'not delivered', '#999', 'cron']) assert.ok(page.includes(part), part)
    for (const [, path = ''] of page.matchAll(/<a href="(\/admin\/notifications\/(?!new)[^"]+)"/g)) {
      const report = await admin.get(path)
      assert.equal(report.status, 200, path)
      assert.doesNotMatch(await report.text(), /href="javascript/)
      assert.equal((await admin.post(`${path}/recall`)).status, 303, path)
    }
  })

  it('reports what another program sent to more people than we take ourselves', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    app.context.database.handle.exec(`
      INSERT INTO notifications (id, audience, title) VALUES ('many', 'users', 'To many');
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001)
      INSERT INTO notification_recipients SELECT seq, 'u' || i FROM notifications, n WHERE id = 'many'`)
    const report = await admin.getJson<SentJson>(`${COMPOSE}/many`)
    assert.deepEqual([report.recipients, report.readers?.length], [5001, 100])
  })

  it('names also those who do not fit into the table of a report, by who has read it', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    app.context.database.handle.exec(`
      INSERT INTO notifications (id, audience, title) VALUES ('many', 'users', 'To many');
      WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE i < 203)
      INSERT INTO notification_recipients SELECT seq, 'u' || i FROM notifications, n WHERE id = 'many'`)
    for (let n = 101; n <= 201; n++) await app.context.notifications.markAsRead(`u${n}`, 'many')
    const page = await (await admin.get(`${COMPOSE}/many`)).text()
    const [, beyond = ''] = /<details>([\s\S]*?)<\/details>/.exec(page) ?? []
    const [, read, notYet] = /and 3 more[\s\S]*Have read it:<\/strong> (.*?)<\/p>[\s\S]*Not yet:<\/strong> (.*?)<\/p>/.exec(beyond) ?? []
    assert.match(read ?? '', /^#u\d+$/)
    assert.equal(notYet, '#u202, #u203')
    assert.equal((page.match(/<td class="wrap">/g) ?? []).length, 100)
  })

  it('keeps the words of what people write to each other between the two', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    await app.addUser('bob')
    await ada.post('/messages', { form: { to: 'bob', title: 'A secret title', body: 'A secret text' } })
    const { items } = await admin.getJson<{ items: SentJson[] }>(COMPOSE)
    assert.deepEqual([items[0]?.title, items[0]?.body, items[0]?.by], [null, null, 'ada'])
    for (const path of [COMPOSE, `${COMPOSE}/${items[0]?.id}`]) {
      for (const accept of ['text/html', 'application/json']) assert.doesNotMatch(await (await admin.get(path, { accept })).text(), /secret/)
    }
  })

  it('shows what was typed as text', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const id = await send(admin, {
      audience: 'everyone',
      title: '<script>alert(1)</script>',
      body: '"><img src=x onerror=alert(1)>',
      category: "'<b>",
    })
    for (const path of [COMPOSE, `${COMPOSE}/${id}`]) {
      const page = await (await admin.get(path)).text()
      assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
      assert.doesNotMatch(page, /<script>alert|<img src=x|<b>/)
    }
  })
})

describe('the report of a notification', () => {
  it('lists who has read it, and when', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    await app.addUser('bob')
    const id = await send(admin, { audience: 'users', recipients: 'ada bob', title: 'Report' })
    await ada.get(`/notifications/${id}`)
    const { readers, recipients, read } = await admin.getJson<SentJson>(`${COMPOSE}/${id}`)
    assert.deepEqual([recipients, read], [2, 1])
    assert.deepEqual(
      readers?.map(({ username, readAt }) => [username, readAt !== null]),
      [
        ['ada', true],
        ['bob', false],
      ],
    )
    assert.match(await (await admin.get(`${COMPOSE}/${id}`)).text(), /not yet/)
  })

  it('is missing for an id that was never sent', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const path of [`${COMPOSE}/nope`, `${COMPOSE}/nope/recall`]) {
      const method = path.endsWith('recall') ? 'POST' : 'GET'
      assert.equal((await admin.send(method, path)).status, 404, path)
    }
  })

  it('counts who was there when it was really sent, not at the time in the past that a script gave', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    await app.addUser('ada')
    const since = Date.now()
    const { id } = await app.notifications.notify({ to: 'everyone', title: 'Late', publishAt: '2020-01-01T10:00:00Z' })
    const { items } = await admin.getJson<{ items: SentJson[] }>(COMPOSE)
    assert.deepEqual([items[0]?.recipients, items[0]?.status], [2, 'published'])
    for (const path of [COMPOSE, `${COMPOSE}/${id}`]) {
      const page = await (await admin.get(path)).text()
      const [, when = ''] = /<time datetime="([^"]+)"/.exec(page.slice(page.indexOf('Late'))) ?? []
      assert.ok(Date.parse(when) >= since, `${path} says ${when}`)
    }
  })

  it('of a planned one that was called off says that, and of no sending and no recipients that never were', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    await app.addUser('ada')
    for (const fields of [{ audience: 'everyone' }, { audience: 'users', recipients: 'ada admin' }]) {
      const id = await send(admin, { ...fields, title: 'Never mind', publishAt: '2040-06-01T10:00', timeZone: 'UTC' })
      assert.equal((await admin.post(`${COMPOSE}/${id}/recall`)).status, 303)
      const { status, recipients, readers } = await admin.getJson<SentJson>(`${COMPOSE}/${id}`)
      assert.deepEqual([status, recipients, readers], ['recalled', 0, []])
      const report = await (await admin.get(`${COMPOSE}/${id}`)).text()
      assert.match(report, /called off before it appeared[\s\S]*<dt>Called off<\/dt>[\s\S]*<dt>Was to appear<\/dt>[^\n]*1 Jun 2040/)
      assert.doesNotMatch(report, /<dt>Sent|<dt>Recipients|<dt>Read|<dt>Recalled|Who has read it/)
      const list = await (await admin.get(COMPOSE)).text()
      const row = new RegExp(`<tr data-notification-id="${id}">[\\s\\S]*?</tr>`).exec(list)?.[0] ?? ''
      assert.match(row, /called off/)
      assert.match(row, /data-label="Recipients" class="number"><\/td>/)
      assert.doesNotMatch(row, /2040|recalled/)
    }
    const sent = await send(admin, { audience: 'everyone', title: 'Sent after all' })
    await admin.post(`${COMPOSE}/${sent}/recall`)
    assert.match(await (await admin.get(`${COMPOSE}/${sent}`)).text(), /<dt>Sent<[\s\S]*<dt>Recalled</)
  })

  it('names people by the alphabet, who has not read it after who has', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const names = ['zoe', 'Yan', 'xia', 'will', 'vic', 'uma', 'tom', 'sue', 'rob', 'Bea', 'ann']
    for (const name of names) await app.addUser(name)
    const id = await send(admin, { audience: 'users', recipients: names.join(' '), title: 'To all of you' })
    await (await app.signIn('tom')).get(`/notifications/${id}`)
    const { readers } = await admin.getJson<SentJson>(`${COMPOSE}/${id}`)
    const sorted = ['ann', 'Bea', 'rob', 'sue', 'uma', 'vic', 'will', 'xia', 'Yan', 'zoe']
    assert.deepEqual(
      readers?.map(({ username }) => username),
      ['tom', ...sorted],
    )
    for (const path of [COMPOSE, `${COMPOSE}/${id}`]) assert.match(await (await admin.get(path)).text(), /ann, Bea, and 9 others/)
  })

  it('takes it back from every inbox and badge, live; twice is fine', async () => {
    await using app = await startTestApp()
    const [admin, ada] = [await app.signIn('admin'), await app.signIn('ada')]
    await using tab = await ada.openTab()
    const id = await send(admin, { audience: 'everyone', title: 'Oops' })
    await eventually(
      () => tab.state?.unread === 1,
      () => `the badge shows ${tab.state?.unread}`,
    )
    const answer = await admin.post(`${COMPOSE}/${id}/recall`)
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, `${COMPOSE}/${id}?recalled=1`])
    await eventually(
      () => tab.state?.unread === 0,
      () => `the badge shows ${tab.state?.unread}`,
    )
    assert.deepEqual(await ada.inbox(), [])
    const { status, body } = await admin.postJson<SentJson>(`${COMPOSE}/${id}/recall`, {})
    assert.deepEqual([status, body.status], [200, 'recalled'])
    assert.match(await (await admin.get(`${COMPOSE}/${id}`)).text(), /recalled/)
  })
})

async function send(admin: Visitor, form: Record<string, string>): Promise<string> {
  const answer = await admin.post(COMPOSE, { form })
  assert.equal(answer.status, 303)
  return answer.headers.get('location')?.split('/').at(-1) ?? ''
}

async function disable(app: TestApp, username: string): Promise<void> {
  const user = await app.context.users.byName(username)
  assert.ok(user)
  await app.context.accounts.disable(user)
}
