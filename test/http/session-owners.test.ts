import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Request } from 'express'
import { Cookie, type SessionData } from 'express-session'
import { SessionOwners } from '../../src/notifications/http/session-owners.js'
import { sessionKey } from '../../src/notifications/http/stored-session.js'
import { RecentEndings } from '../../src/notifications/hub/recent-endings.js'
import { eventually } from '../helpers/eventually.js'

const id = 'of-whoever-uses-this-browser'

/** Ada's session is saved, now of somebody else's or nobody's; returns whether what came in at a moment, by performance.now(), ends by it. */
async function saving(now: string | null) {
  const endings = new RecentEndings()
  let told = false
  const options = { whoIs: async () => now, whoWas: async () => 'ada', logger: { info() {}, warn: assert.fail, error: assert.fail } }
  const owners = new SessionOwners(options, new Map(), (session, at) => {
    endings.add({ session, at })
    told = true
  })
  const req = { headers: { cookie: `connect.sid=${encodeURIComponent(`s:${id}.signature`)}` } } as Request
  const began = performance.now()
  owners.heardSaved(id, Object.assign({ cookie: new Cookie() } as SessionData, { req }))
  const saved = performance.now()
  await eventually(() => told, 'that is told')
  return { began, saved, ends: (then: number) => endings.since({ user: 'ada', session: sessionKey(id) }, then) }
}

test('whoever signs in over somebody, and is back within the same millisecond, stays', async () => {
  // Only some of them are that quick.
  for (let i = 0; i < 20; i++) {
    const { began, saved, ends } = await saving('bob')
    assert.equal(ends(saved), false)
    assert.equal(ends(began - 3), true, 'of the one before')
  }
})

test('what came in within the millisecond before they were signed out ends', async () => {
  for (let i = 0; i < 20; i++) {
    const { began, ends } = await saving(null)
    assert.equal(ends(began), true)
  }
})
