import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Recheck } from '../src/notifications/recheck.js'
import { within } from '../src/notifications/within.js'

const MINUTE = 60_000

/** Whom a host is asked about while time passes as the test says. */
function watched(t: TestContext, users: readonly string[], recheck: (user: string) => Promise<void>) {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const asked: string[] = []
  const logged: string[] = []
  const log = (_details: object, message: string) => void logged.push(message)
  const subject = new Recheck({
    users: () => users,
    recheck: (user) => {
      asked.push(user)
      return recheck(user)
    },
    logger: { info: log, warn: log, error: log },
  })
  /** By seconds, so that what an answer or its absence leads to comes in its time. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      t.mock.timers.tick(1000)
      await nextTurn()
    }
  }
  return { subject, asked, logged, pass }
}

/** As of a host that does not answer in time. */
const never = () => within(5000, new Promise<void>(() => {}), 'No answer.')

test('everybody who is connected is asked about once a minute', async (t) => {
  const { subject, asked, logged, pass } = watched(t, ['ada', 'bo'], async () => {})
  await pass(2 * MINUTE)
  assert.deepEqual([asked, logged], [['ada', 'bo', 'ada', 'bo'], []])
  subject.close()
  await pass(MINUTE)
  assert.equal(asked.length, 4)
})

test('about whom the host does not answer, or cannot, keeps the others waiting for seconds, and is logged', async (t) => {
  const answers: Record<string, () => Promise<void>> = { ada: never, bo: () => Promise.reject(new Error('out')), cy: async () => {} }
  const { subject, asked, logged, pass } = watched(t, Object.keys(answers), (user) => answers[user]?.() ?? never())
  await pass(MINUTE)
  assert.deepEqual(asked, ['ada'])
  await pass(5000)
  assert.deepEqual([asked, logged.length], [['ada', 'bo', 'cy'], 2])
  await pass(MINUTE)
  assert.deepEqual(asked.slice(3), ['ada', 'bo', 'cy'])
  subject.close()
})

test('a round that takes more than a minute is not overtaken by the next', async (t) => {
  const users = Array.from({ length: 20 }, (_, n) => `user ${n}`)
  const { subject, asked, pass } = watched(t, users, never)
  await pass(MINUTE + 100_000)
  assert.deepEqual(asked, users)
  await pass(20_000)
  assert.deepEqual(asked.slice(users.length), users.slice(0, 1))
  subject.close()
  await pass(MINUTE)
  assert.equal(asked.length, users.length + 1)
})

test('a host that answers at once for thousands leaves the event loop to others in between', async (t) => {
  const users = Array.from({ length: 10_000 }, (_, n) => `user ${n}`)
  const { subject, asked } = watched(t, users, async () => {})
  t.mock.timers.tick(MINUTE)
  await nextTurn()
  assert.ok(asked.length < 100, `${asked.length} were asked about in one turn`)
  while (asked.length < users.length) await nextTurn()
  subject.close()
})
