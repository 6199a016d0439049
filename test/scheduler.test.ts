import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { Scheduler } from '../src/notifications/scheduler.js'
import { eventually } from './helpers/eventually.js'

/** A scheduler whose ticks are counted, with what they answer and what is logged. */
function watched(tick: (now: number) => Promise<number | null>) {
  const logged: string[] = []
  const log = (_: object, message: string) => void logged.push(message)
  const ticks: number[] = []
  const scheduler = new Scheduler({
    tick: (now) => {
      ticks.push(now)
      return tick(now)
    },
    logger: { info: log, warn: log, error: log },
  })
  return { scheduler, ticks, logged, [Symbol.asyncDispose]: () => scheduler.close() }
}

test('what came due while nobody ran is done at the start', async () => {
  await using subject = watched(async () => null)
  subject.scheduler.start()
  assert.equal(subject.ticks.length, 1)
})

test('it looks again when something is due, and often enough to notice what others planned', async () => {
  await using subject = watched(async (now) => (subject.ticks.length === 1 ? now + 30 : null))
  subject.scheduler.start()
  await eventually(() => subject.ticks.length >= 4, 'it looked again')
  const [first, second] = subject.ticks
  assert.ok((second ?? 0) - (first ?? 0) >= 29)
})

test('more than fits one portion goes on at once', async () => {
  await using subject = watched(async (now) => (subject.ticks.length < 50 ? now : null))
  subject.scheduler.start()
  await eventually(() => subject.ticks.length >= 50, 'all portions were done', 5000)
})

test('a tick that fails is logged once and tried again', async () => {
  await using subject = watched(async () => {
    throw new Error('locked')
  })
  subject.scheduler.start()
  await eventually(() => subject.ticks.length >= 3, 'it tried again')
  assert.equal(subject.logged.length, 1)
})

test('after close there is no tick any more, and the one under way has ended', async () => {
  let ended = false
  let finish = () => {}
  const { scheduler, ticks } = watched(async () => {
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    ended = true
    return 0
  })
  scheduler.start()
  const endedBefore = scheduler.close().then(() => ended)
  await nextTurn()
  finish()
  assert.ok(await endedBefore)
  // What was due at once had its timer set before this one, and would come before it.
  await pause(50)
  assert.equal(ticks.length, 1)
  scheduler.start()
  assert.equal(ticks.length, 1)
})
