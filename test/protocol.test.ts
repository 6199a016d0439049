import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { badgeText, supersedes } from '../src/notifications/protocol.js'

describe('a badge', () => {
  it('shows nothing for 0, the number to 99, and 99+ above', () => {
    assert.deepEqual([0, 1, 99, 100, 1_000_000].map(badgeText), ['', '1', '99', '99+', '99+'])
  })
})

describe('a state', () => {
  const shown = { epoch: 'a', version: 5, unread: 1 }
  it('replaces an older one of its epoch, and any of another epoch', () => {
    assert.ok(supersedes({ epoch: 'a', version: 6, unread: 0 }, shown))
    assert.ok(supersedes({ epoch: 'b', version: 1, unread: 0 }, shown))
    assert.ok(supersedes(shown, undefined))
  })
  it('is dropped when its version is not newer', () => {
    assert.ok(!supersedes({ epoch: 'a', version: 5, unread: 9 }, shown))
    assert.ok(!supersedes({ epoch: 'a', version: 4, unread: 9 }, shown))
  })
})
