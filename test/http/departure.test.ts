import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Departure } from '../../src/notifications/http/departure.js'

/** How many of those who were let in have left. */
function platform() {
  const departure = new Departure()
  let left = 0
  return {
    come(count: number) {
      for (let i = 0; i < count; i++) void departure.next().then(() => left++)
    },
    left: () => left,
  }
}

describe('answers that leave together', () => {
  it('leave when a turn of the event loop has brought no more of them', async () => {
    const { come, left } = platform()
    come(1)
    await nextTurn()
    come(2)
    await nextTurn()
    come(1)
    await nextTurn()
    assert.equal(left(), 0)
    await nextTurn()
    assert.equal(left(), 4)
  })

  it('do not wait for more when there are sixteen', async () => {
    const { come, left } = platform()
    come(16)
    assert.equal(left(), 0)
    await nextTurn()
    assert.equal(left(), 16)
  })

  it('never wait for longer than it takes sixteen to come', async () => {
    const { come, left } = platform()
    for (let turn = 1; turn <= 16; turn++) {
      assert.equal(left(), 0)
      come(1)
      await nextTurn()
    }
    assert.equal(left(), 16)
  })

  it('count anew after each time', async () => {
    const { come, left } = platform()
    come(16)
    await nextTurn()
    assert.equal(left(), 16)
    for (let later = 1; later <= 3; later++) {
      come(1)
      await nextTurn()
      assert.equal(left(), 15 + later)
      await nextTurn()
      assert.equal(left(), 16 + later)
    }
  })
})
