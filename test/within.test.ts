import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { within } from '../src/notifications/within.js'

function standStill(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('an answer that waits behind an event loop that stood still is not late', async () => {
  // It takes several turns of the event loop.
  const answer = Promise.all([1, 2, 3].map(() => readFile(new URL(import.meta.url), 'utf8')))
  const heard = within(100, answer, 'too late')
  standStill(400)
  assert.equal((await heard).length, 3)
})

test('but nothing waits for ever, however often it stands still', async () => {
  const began = performance.now()
  // Its timer alone would let the process end.
  const awake = setInterval(() => {}, 10)
  const heard = within(100, new Promise(() => {}), 'too late')
  standStill(300)
  setTimeout(standStill, 50, 200)
  await assert.rejects(heard, { name: 'UnavailableError', message: 'too late' })
  clearInterval(awake)
  assert.ok(performance.now() - began < 3000)
})
