import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { startTestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { fieldErrors, formValues } from '../helpers/forms.js'

const NEW = '/messages/new'

describe('writing to somebody', () => {
  it('is for everybody who is signed in', async () => {
    await using app = await startTestApp()
    await request(app.url).get(NEW).expect(303).expect('Location', '/login?next=%2Fmessages%2Fnew')
    await request(app.url).post('/messages').set({ Accept: 'application/json', Origin: app.url }).expect(401)
    assert.equal((await (await app.signIn('ada')).get(NEW)).status, 200)
  })

  it('rings the bell of that person, says who wrote, and tells the writer that it arrived', async () => {
    await using app = await startTestApp()
    const [ada, bob] = [await app.signIn('ada'), await app.signIn('bob')]
    await using tab = await bob.openTab()
    const answer = await ada.post('/messages', { form: { to: 'BOB', title: 'Lunch?', body: 'At one.\r\nOr two.' } })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/messages/new?sent=bob'])
    await eventually(
      () => tab.state?.unread === 1,
      () => `the badge shows ${tab.state?.unread}`,
    )
    const [item] = await bob.inbox()
    assert.deepEqual([item?.title, item?.body, item?.category, item?.data], ['Lunch?', 'At one.\nOr two.', 'messages', { from: 'ada' }])
    const page = await (await ada.get('/messages/new?sent=bob')).text()
    assert.match(page, /Your message to <strong class="wrap">bob<\/strong> is in their inbox/)
    assert.equal(page.match(/role="status"/g)?.length, 1)
    assert.equal((await ada.state()).unread, 0)
  })

  it('answers a script with what was sent', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const { status, body } = await ada.postJson<{ to: string; title: string }>('/messages', { to: 'admin', title: 'Hi' })
    assert.deepEqual([status, body.to, body.title], [201, 'admin', 'Hi'])
  })

  it('that is refused keeps what was typed, each message beside its field', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const typed = { to: '<i>zed', title: '', body: `\n${'x'.repeat(5001)}`, idempotencyKey: 'k1', signedInAs: 'ada' }
    const answer = await ada.post('/messages', { form: typed })
    const page = await answer.text()
    assert.equal(answer.status, 422)
    assert.deepEqual(formValues(page, '/messages'), typed)
    assert.deepEqual(Object.keys(fieldErrors(page)).toSorted(), ['body', 'title', 'to'])
    assert.doesNotMatch(page, /<i>/)
  })

  it('sent, gone back to and sent again makes one message', async () => {
    await using app = await startTestApp()
    const [ada, bob] = [await app.signIn('ada'), await app.signIn('bob')]
    const form = { ...formValues(await (await ada.get(NEW)).text(), '/messages'), to: 'bob', title: 'Lunch?' }
    const answers = await Promise.all([form, { ...form, to: 'BOB' }, form].map((form) => ada.post('/messages', { form })))
    assert.deepEqual(
      answers.map((answer) => answer.headers.get('location')),
      Array(3).fill('/messages/new?sent=bob'),
    )
    assert.equal((await bob.inbox()).length, 1)
    assert.equal((await ada.postJson('/messages', form)).status, 200)
    assert.equal((await bob.inbox()).length, 1)
    const another = { ...formValues(await (await ada.get(NEW)).text(), '/messages'), to: 'bob', title: 'Lunch?' }
    assert.equal((await ada.postJson('/messages', another)).status, 201)
  })

  it('sent again with other words keeps them, and sends them as another one when that is meant', async () => {
    await using app = await startTestApp()
    const [ada, bob] = [await app.signIn('ada'), await app.signIn('bob')]
    const form = { ...formValues(await (await ada.get(NEW)).text(), '/messages'), to: 'bob', title: 'Lunch?' }
    await ada.post('/messages', { form })
    const refused = await ada.post('/messages', { form: { ...form, title: 'Dinner?' } })
    const page = await refused.text()
    assert.equal(refused.status, 409)
    assert.match(page, /sent before, with other words or to somebody else/)
    assert.equal((await ada.post('/messages', { form: formValues(page, '/messages') })).status, 303)
    assert.deepEqual(
      (await bob.inbox()).map(({ title }) => title),
      ['Dinner?', 'Lunch?'],
    )
  })

  it('that is far too long keeps every word of it', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const body = 'word '.repeat(40_000)
    const answer = await ada.post('/messages', { form: { to: 'admin', title: 'Long', body } })
    assert.equal(answer.status, 422)
    assert.ok((await answer.text()).includes(body))
  })

  it('reaches nobody who is disabled, unknown or missing', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    await app.context.accounts.disable(await app.addUser('bob'))
    for (const [to, message] of [
      ['bob', /bob is disabled/],
      ['zed', /nobody called zed/],
      ['1', /nobody called 1/],
      ['', /Write the username/],
      ['ada admin', /nobody called ada admin/],
    ] as const) {
      const { status, body } = await ada.postJson<{ detail: string }>('/messages', { to, title: 'x' })
      assert.equal(status, 422, to)
      assert.match(body.detail, message)
    }
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('cannot pretend to come from somebody else', async () => {
    await using app = await startTestApp()
    const [ada, bob] = [await app.signIn('ada'), await app.signIn('bob')]
    await ada.postJson('/messages', { to: 'bob', title: 'x', from: 'admin', data: { from: 'admin' }, sender: 'user:1', category: 'system' })
    const [item] = await bob.inbox()
    assert.deepEqual([item?.data, item?.category], [{ from: 'ada' }, 'messages'])
  })

  it('is refused from a foreign page, with a field twice, or as nonsense', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.equal((await ada.post('/messages', { form: { to: 'admin', title: 'x' }, headers: { origin: 'https://evil.example' } })).status, 403)
    const post = () => request(app.url).post('/messages').set({ Cookie: ada.cookie, Origin: app.url })
    await post().type('form').send('to=admin&to=ada&title=x').expect(400)
    await post().type('json').send('{').expect(400)
    await post().type('json').send('{"to":["admin"],"title":"x"}').expect(400)
    await post().type('text/plain').send('x').expect(415)
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('takes whom it is for from the address, where that is a username', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.equal(formValues(await (await ada.get(`${NEW}?to=bob`)).text(), '/messages').to, 'bob')
    const page = await (await ada.get(`${NEW}?to=%3Cb%3E&sent=%3Cb%3E`)).text()
    assert.doesNotMatch(page, /<b>|&lt;b&gt;/)
    assert.equal((await ada.get(`${NEW}?to=a&to=b`)).status, 400)
  })
})
