import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CrowdProcess, signInMany } from '../helpers/crowd.js'
import { eventually } from '../helpers/eventually.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

/** Each takes a file handle in the server, and one here. Where a process may have fewer, the test says so. */
const PEOPLE = Math.min(10_000, mostHandles() - 200)
const SESSION_SECRET = 'only for tests, and long enough.'

function mostHandles(): number {
  const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : ''
  return Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
}

test('P11: ten thousand people come, and a broadcast reaches every badge, while the loop stays free and memory small', {
  timeout: 170_000,
}, async (t) => {
  t.diagnostic(`${PEOPLE} people`)
  await using server = await ServerProcess.start({ SESSION_SECRET }, { watched: true })
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await using crowd = new CrowdProcess(server.url)
  const cookies = signInMany(server.database, SESSION_SECRET, PEOPLE)
  await server.strain()
  let now = await crowd.open(cookies)
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
