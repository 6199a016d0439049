import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrowdProcess, signInMany } from '../helpers/crowd.js'
import { eventually } from '../helpers/eventually.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

const PEOPLE = 10_000
const SESSION_SECRET = 'only for tests, and long enough.'

test('P11: ten thousand people come, and a broadcast reaches every badge, while the loop stays free and memory small', {
  timeout: 170_000,
}, async () => {
  await using server = await ServerProcess.start({ SESSION_SECRET }, { watched: true })
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await using crowd = new CrowdProcess(server.url)
  const cookies = signInMany(server.database, SESSION_SECRET, PEOPLE)
  await server.strain()
  let now = await crowd.open(cookies)
  // Each takes a file handle here and one in the server: `ulimit -Hn` must allow some more than there are people.
  assert.deepEqual(now, { showing: { 0: PEOPLE }, lost: {} })

  const form = { audience: 'everyone', title: 'The bells ring at noon', body: 'All of them.', level: 'info' }
  assert.equal((await admin.post('/admin/notifications', { form })).status, 303)
  await eventually(
    async () => {
      now = await crowd.look()
      return now.showing[1] === PEOPLE
    },
    () => `1 on every badge: ${JSON.stringify(now)}`,
    10_000,
  )
  await server.expectCalm()
})
