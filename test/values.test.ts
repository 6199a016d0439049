import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isoTime } from '../src/notifications/values.js'

describe('a time as text', () => {
  it('is what a Date says, on every day there is and between whole milliseconds', () => {
    const some = fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.double({ min: -1e12, max: 4e12, noNaN: true }))
    fc.assert(fc.property(some, (ms) => assert.equal(isoTime(ms), new Date(ms).toISOString())))
    for (const ms of [0, -1, 86_399_999, 86_400_000, -86_400_000, -86_400_001, 8.64e15, -8.64e15]) {
      assert.equal(isoTime(ms), new Date(ms).toISOString(), String(ms))
    }
  })

  it('is refused where there is none', () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 1e16, -1e16]) assert.throws(() => isoTime(ms), RangeError, String(ms))
  })
})
