import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from 'express-session'
import { Folder } from '../embedding/served.js'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'
import type { Tab } from '../helpers/visitor.js'

/** What two processes have of the same sessions: a store each, with the same in it. */
function twoStores(): [MemoryStore, MemoryStore] {
  const [one, other] = [new MemoryStore(), new MemoryStore()]
  Reflect.set(other, 'sessions', Reflect.get(one, 'sessions'))
  return [one, other]
}

async function expectClosed(tab: Tab, within = 1000): Promise<void> {
  await eventually(
    () => tab.closed === 4401,
    () => `4401 expected, got ${tab.closed}`,
    within,
  )
}

test('a sign-out that a process answers while it ends closes the sockets of the others within a second', async () => {
  using folder = new Folder()
  const database = folder.file('shared.db')
  const [store, otherStore] = twoStores()
  let goOn = () => {}
  let begun = false
  await using ending = await LiveHost.start({
    database,
    store,
    between: async (req, _res, next) => {
      if (req.path === '/sign-out') {
        begun = true
        await new Promise<void>((resolve) => {
          goOn = resolve
        })
      }
      next()
    },
  })
  await using other = await LiveHost.start({ database, store: otherStore })
  const cookie = await ending.signIn('ada')
  await using here = await ending.openTab(cookie)
  await using there = await other.openTab(cookie)
  const answer = ending.visit('/sign-out', cookie, 'POST')
  await eventually(() => begun, 'the sign-out came in')
  ending.server.close()
  const closed = ending.notifications.close()
  await eventually(() => here.closed === 1012, 'the process ends')
  goOn()
  assert.equal((await answer).status, 200)
  await expectClosed(there)
  await closed
  await assert.rejects(other.openTab(cookie), /401/)
})
