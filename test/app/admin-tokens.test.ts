import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import request from 'supertest'
import { startTestApp } from '../helpers/app.js'
import { fieldErrors, formValues } from '../helpers/forms.js'

const TOKENS = '/admin/tokens'

describe('tokens for scripts', () => {
  it('are for admins to see, make and revoke', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    assert.equal((await ada.get(TOKENS)).status, 403)
    for (const path of [TOKENS, `${TOKENS}/1/revoke`]) {
      assert.equal((await ada.post(path, { form: { name: 'x' } })).status, 403)
      await request(app.url).post(path).set({ Accept: 'application/json', Origin: app.url }).expect(401)
    }
  })

  it('are shown once: in the answer that makes them, and nowhere later', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const answer = await admin.post(TOKENS, { form: { name: 'nightly <b>backup</b>' } })
    const page = await answer.text()
    assert.equal(answer.status, 201)
    assert.match(answer.headers.get('cache-control') ?? '', /no-store/)
    const token = /<code data-token>([^<]+)<\/code>/.exec(page)?.[1] ?? ''
    assert.match(token, /^belfry_[\w-]{43}$/)
    assert.doesNotMatch(page, /<b>backup/)
    await send(app.url, token).expect(201)
    for (const accept of ['text/html', 'application/json']) {
      const later = await (await admin.get(TOKENS, { accept })).text()
      assert.ok(later.includes('nightly'))
      assert.ok(!later.includes(token))
    }
  })

  it('are given to a script as id, name and token', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { status, body } = await admin.postJson<{ id: number; name: string; token: string }>(TOKENS, { name: ' ci ' })
    assert.equal(status, 201)
    assert.deepEqual(Object.keys(body), ['id', 'name', 'token'])
    assert.equal(body.name, 'ci')
    await send(app.url, body.token).expect(201)
  })

  it('are in no file of the database', async () => {
    await using app = await startTestApp()
    const { token } = (await (await app.signIn('admin')).postJson<{ token: string }>(TOKENS, { name: 'ci' })).body
    await send(app.url, token).expect(201)
    for (const file of readdirSync(app.folder)) assert.ok(!readFileSync(join(app.folder, file)).includes(token), file)
  })

  it('open nothing once they are revoked; twice is fine', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { id, token } = (await admin.postJson<{ id: number; token: string }>(TOKENS, { name: 'ci' })).body
    const answer = await admin.post(`${TOKENS}/${id}/revoke`)
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, `${TOKENS}?revoked=${id}`])
    await send(app.url, token).expect(401)
    assert.equal((await admin.post(`${TOKENS}/${id}/revoke`)).status, 303)
    assert.match(await (await admin.get(TOKENS)).text(), /revoked/)
  })

  it('tell when they were used last', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    const { token } = (await admin.postJson<{ token: string }>(TOKENS, { name: 'ci' })).body
    const used = async () => (await admin.getJson<{ items: { lastUsedAt: string | null }[] }>(TOKENS)).items[0]?.lastUsedAt
    assert.equal(await used(), null)
    await send(app.url, token).expect(201)
    assert.ok(Math.abs(Date.parse((await used()) ?? '') - Date.now()) < 60_000)
  })

  for (const [what, name] of [
    ['no name', ' '],
    ['a name that is too long', 'x'.repeat(101)],
    ['a name on two lines', 'a\nb'],
  ] as const) {
    it(`are refused with ${what}, which is kept`, async () => {
      await using app = await startTestApp()
      const admin = await app.signIn('admin')
      const answer = await admin.post(TOKENS, { form: { name } })
      const page = await answer.text()
      assert.equal(answer.status, 422)
      assert.deepEqual(Object.keys(fieldErrors(page)), ['name'])
      assert.equal(formValues(page, TOKENS).name, name)
    })
  }

  it('that do not exist are missing', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const id of ['1', '0', 'x', '9'.repeat(20)]) assert.equal((await admin.post(`${TOKENS}/${id}/revoke`)).status, 404, id)
  })
})

function send(url: string, token: string) {
  return request(url).post('/api/notifications').set('Authorization', `Bearer ${token}`).send({ to: 'everyone', title: 'By a script' })
}
