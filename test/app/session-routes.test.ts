import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { Visitor } from '../helpers/visitor.js'

describe('signing in', () => {
  it('shows a form to anyone, which keeps where one wanted to go', async () => {
    await using app = await startTestApp()
    const answer = await request(app.url)
      .get('/login?next=%2Faccount')
      .expect(200)
      .expect('Content-Type', /text\/html/)
    assert.match(answer.text, /<form[^>]+action="\/login"/)
    assert.match(answer.text, /name="next" value="\/account"/)
  })

  it('leads to the inbox, or to the page that one wanted', async () => {
    await using app = await startTestApp()
    const visitor = new Visitor(app.url)
    const first = await visitor.post('/login', { form: { username: 'admin', password: PASSWORD } })
    assert.deepEqual([first.status, first.headers.get('location')], [303, '/notifications'])
    const second = await visitor.post('/login', { form: { username: 'ADMIN', password: PASSWORD, next: '/account?x=1' } })
    assert.deepEqual([second.status, second.headers.get('location')], [303, '/account?x=1'])
    assert.equal((await visitor.get('/account')).status, 200)
  })

  it('never leads to another site', async () => {
    await using app = await startTestApp()
    const tricks = [
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '\\/evil.example',
      'https://evil.example',
      'javascript:alert(1)',
      '/\n/evil.example',
      ' //evil.example',
      'evil.example',
      '/%0a\u0000',
    ]
    for (const next of tricks) {
      const answer = await new Visitor(app.url).post('/login', { form: { username: 'admin', password: PASSWORD, next } })
      assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/notifications'], JSON.stringify(next))
    }
  })
})
