import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { eventually } from '../helpers/eventually.js'
import { handshake, openRaw } from '../helpers/raw-upgrade.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

test('P11, P13: under a lasting foreign lock pages and polls go on, a create and a sign-in answer 503 in time, and all heals', {
  timeout: 60_000,
}, async () => {
  await using server = await ServerProcess.start({}, { watched: true })
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await using tab = await admin.openTab()
  const outsider = new Database(server.database)
  await server.strain()
  outsider.exec('BEGIN IMMEDIATE')

  const begun = performance.now()
  let waiting = true
  const headers = { accept: 'application/json' }
  const writes = Promise.all([
    admin.post('/messages', { form: { to: 'admin', title: 'kept waiting', body: '' }, headers }),
    new Visitor(server.url).post('/login', { form: server.admin, headers }),
  ]).finally(() => {
    waiting = false
  })
  let slowest = 0
  while (waiting) {
    const asked = performance.now()
    assert.equal((await admin.get('/notifications', { accept: 'text/html' })).status, 200)
    assert.equal((await admin.state()).unread, 0)
    slowest = Math.max(slowest, performance.now() - asked)
  }
  for (const answer of await writes) {
    assert.equal(answer.status, 503, answer.url)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.match(answer.headers.get('content-type') ?? '', /application\/problem\+json/)
  }
  assert.ok(performance.now() - begun < 10_000, 'what writes under a lock is answered within 10 s')
  // A busy timeout on the thread that serves everybody would have held the loop for all of it.
  await server.expectCalm()
  assert.ok(slowest < 1500, `a page and a poll took ${Math.round(slowest)} ms while the lock was held`)

  outsider.exec('ROLLBACK')
  outsider.close()
  assert.equal((await admin.state()).unread, 0, 'an error answer means that nothing was stored')
  assert.equal((await admin.post('/messages', { form: { to: 'admin', title: 'after the lock', body: '' } })).status, 303)
  await eventually(
    () => tab.state?.unread === 1,
    () => `the tab shows ${tab.state?.unread}`,
    1000,
  )
})

test('P14: under a lasting foreign lock SIGTERM ends the app in time, although something is due that cannot be published', {
  timeout: 60_000,
}, async () => {
  await using server = await ServerProcess.start()
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  // It never answers a close.
  const deaf = await openRaw(Number(new URL(server.url).port))
  deaf.write(
    handshake({ port: Number(new URL(server.url).port), headers: { Cookie: admin.cookie, Origin: server.url, Host: new URL(server.url).host } }),
  )
  await once(deaf, 'data')
  const outsider = new Database(server.database)
  const due = Date.now() + 1000
  outsider.prepare(`INSERT INTO notifications (audience, title, publish_at) VALUES ('everyone', 'Due', ?)`).run(due)
  outsider.exec('BEGIN IMMEDIATE')
  // At least four times a second the app looks for what is due.
  await eventually(
    () => Date.now() > due + 500,
    () => 'time stands still',
  )
  const begun = performance.now()
  assert.equal(await server.end('SIGTERM'), 0)
  const took = performance.now() - begun
  assert.ok(took < 3500, `it took ${Math.round(took)} ms`)
  outsider.exec('ROLLBACK')
  outsider.close()
  deaf.destroy()
})
