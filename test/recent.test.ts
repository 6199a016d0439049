import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recent } from '../src/notifications/recent.js'

test('what was set last is kept, at least half of the limit and never more than it', () => {
  const recent = new Recent<number, string>(10)
  for (let last = 1; last <= 100; last++) {
    recent.set(last, `value ${last}`)
    const kept = Array.from({ length: last }, (_, i) => i + 1).filter((key) => recent.get(key) !== undefined)
    assert.ok(kept.length <= 10 && kept.length >= Math.min(last, 5), `${kept.length} are kept of ${last}`)
    assert.deepEqual(
      kept,
      Array.from({ length: kept.length }, (_, i) => last - kept.length + 1 + i),
    )
  }
})

test('what is set again is the new value, and what is deleted is gone, however long ago it was set', () => {
  const recent = new Recent<string, number>(4)
  recent.set('a', 1)
  recent.set('b', 1)
  recent.set('a', 2)
  assert.equal(recent.get('a'), 2)
  recent.delete('a')
  assert.equal(recent.get('a'), undefined)
  assert.equal(recent.get('b'), 1)
  recent.clear()
  assert.equal(recent.get('b'), undefined)
})
