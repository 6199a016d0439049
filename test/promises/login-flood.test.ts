import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

const ATTEMPTS = 40

test('P11: while forty people mistype their passwords at once, those who are in go on undisturbed', { timeout: 170_000 }, async () => {
  await using server = await ServerProcess.start({}, { watched: true })
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await using tab = await admin.openTab()
  await server.strain()

  let flooding = true
  const attempts = Array.from({ length: ATTEMPTS }, (_, n) =>
    new Visitor(server.url).post('/login', { form: { username: n % 2 === 0 ? `nobody${n}` : 'admin', password: `wrong ${n}` } }),
  )
  const flood = Promise.all(attempts).finally(() => {
    flooding = false
  })
  let sent = 0
  while (flooding) {
    assert.equal((await admin.post('/messages', { form: { to: 'admin', title: `Message ${++sent}`, body: '' } })).status, 303)
    assert.equal((await admin.state()).unread, sent)
  }
  const statuses = (await flood).map(({ status }) => status)
  await server.expectCalm()

  const others = statuses.filter((_, n) => n % 2 === 0)
  assert.deepEqual(new Set(others), new Set([401]), 'names that nobody has')
  const his = statuses.filter((_, n) => n % 2 === 1)
  assert.equal(his.filter((status) => status === 401).length, 10, `one name from one address: ${his.join(' ')}`)
  assert.equal(his.filter((status) => status === 429).length, ATTEMPTS / 2 - 10)
  assert.ok(sent > 1)
  assert.equal(tab.state?.unread, sent)
})
