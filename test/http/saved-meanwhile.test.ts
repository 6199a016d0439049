import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cookie, type SessionData } from 'express-session'
import { SavedMeanwhile } from '../../src/notifications/http/saved-meanwhile.js'

const session = { cookie: new Cookie() } as SessionData

test('what is saved while connections are let in is known until the last of them is in, and not before the first', () => {
  const saved = new SavedMeanwhile()
  saved.note('early', session)
  const [one, other] = [saved.arriving(), saved.arriving()]
  assert.equal(saved.since('early', 0), undefined)
  const then = performance.now()
  saved.note('meanwhile', session)
  assert.equal(saved.since('meanwhile', then), session)
  assert.equal(saved.since('meanwhile', performance.now() + 1), undefined)
  one()
  assert.equal(saved.since('meanwhile', then), session)
  other()
  assert.equal(saved.since('meanwhile', then), undefined)
  assert.equal(saved.matters, false)
})
