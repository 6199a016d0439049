import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { MemoryStore } from 'express-session'
import { Folder } from '../embedding/served.js'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { LiveHost } from '../helpers/live-host.js'
import type { Tab } from '../helpers/visitor.js'

/** What two processes have of the same sessions: a store each, with the same in it. */
function twoStores(): [MemoryStore, MemoryStore] {
  const [one, other] = [new MemoryStore(), new MemoryStore()]
  Reflect.set(other, 'sessions', Reflect.get(one, 'sessions'))
  return [one, other]
}

/** Two processes on one database, with the same sessions; with the cookie of ada, who is signed in. */
async function startTwo(database: string) {
  const [store, otherStore] = twoStores()
  const [one, two] = [await LiveHost.start({ database, store }), await LiveHost.start({ database, store: otherStore })]
  return { one, two, cookie: await one.signIn('ada') }
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

test('whoever signs in anew after a disconnect that the others hear of late stays connected, and only what was open before is closed', async () => {
  using folder = new Folder()
  const database = folder.file('shared.db')
  await using one = await LiveHost.start({ database })
  await using two = await LiveHost.start({ database })
  await using here = await one.openTab(await one.signIn('ada'))
  await using there = await two.openTab(await two.signIn('ada'))
  await eventually(() => here.frames.length > 0 && there.frames.length > 0, 'both were greeted')
  const locker = new Sqlite(database)
  locker.exec('BEGIN IMMEDIATE')
  const announced = one.notifications.disconnect({ user: 'ada' })
  await expectClosed(here)
  await using hereAgain = await one.openTab(await one.signIn('ada'))
  await using thereAgain = await two.openTab(await two.signIn('ada'))
  await eventually(() => hereAgain.frames.length > 0 && thereAgain.frames.length > 0, 'they were greeted again')
  assert.equal(there.closed, undefined, 'the other process cannot know yet')
  locker.exec('COMMIT')
  locker.close()
  await announced
  await expectClosed(there)
  await one.notifications.notify({ to: { user: 'ada' }, title: 'Still here' })
  for (const tab of [hereAgain, thereAgain]) await eventually(() => tab.state?.unread === 1 || tab.closed !== undefined, 'the news came')
  assert.deepEqual([hereAgain.closed, thereAgain.closed], [undefined, undefined])
})

for (const { what, change } of [
  { what: 'somebody else in', change: (host: LiveHost, cookie: string) => host.signIn('bob', [], cookie) },
  { what: 'them out', change: (host: LiveHost, cookie: string) => host.visit('/forget', cookie, 'POST') },
]) {
  test(`a process that signs ${what} and keeps the session ends what they have open in another`, async () => {
    using folder = new Folder()
    const started = await startTwo(folder.file('shared.db'))
    await using one = started.one
    await using two = started.two
    const { cookie } = started
    await using there = await two.openTab(cookie)
    await using cy = await two.openTab(await two.signIn('cy'))
    await eventually(() => there.frames.length > 0 && cy.frames.length > 0, 'they are greeted')
    await change(one, cookie)
    await expectClosed(there)
    assert.equal(cy.closed, undefined)
  })
}

test('a process that saves a session for something else ends nothing, and says nothing to the others', async () => {
  using folder = new Folder()
  const database = folder.file('shared.db')
  const started = await startTwo(database)
  await using one = started.one
  await using two = started.two
  const { cookie } = started
  await using there = await two.openTab(cookie)
  const db = new Sqlite(database)
  const endings = () => db.prepare(`SELECT audience FROM notification_changes WHERE at IS NOT NULL`).pluck().all()
  await one.visit('/topics/x', cookie, 'POST')
  await one.signIn('ada', ['y'], cookie)
  await one.signIn('bob')
  await one.notifications.notify({ to: { user: 'ada' }, title: 'Still here' })
  await eventually(() => there.state?.unread === 1 || there.closed !== undefined, 'the news came')
  assert.deepEqual([there.closed, endings()], [undefined, []])
  await one.visit('/regenerate', cookie, 'POST')
  await expectClosed(there)
  assert.equal(endings().length, 1, 'of the new session nobody has anything open')
  db.close()
})

test('a process of the version before, which does not say when, still closes what is open', async () => {
  using folder = new Folder()
  const database = folder.file('shared.db')
  await using host = await LiveHost.start({ database })
  await using tab = await host.openTab(await host.signIn('ada'))
  const other = new Sqlite(database)
  other.exec(`INSERT INTO notification_changes (audience) VALUES ('signed-out:ada')`)
  other.close()
  await expectClosed(tab)
})

test('a user who is erased while a process that nobody is connected to lets them in is closed there, too', async () => {
  using folder = new Folder()
  const database = folder.file('shared.db')
  const gate = new Gate()
  await using one = await LiveHost.start({ database })
  await using two = await LiveHost.start({
    database,
    identify: async (req) => {
      if (req.session.user === 'ada') await gate.pass()
      return { id: req.session.user ?? 'nobody' }
    },
  })
  // From here on it has the longest way to its next look for what others wrote.
  const last = await two.openTab(await two.signIn('bob'))
  await last[Symbol.asyncDispose]()
  await eventually(async () => (await two.metric('belfry_connections')) === 0, 'the last one has left')
  const cookie = await two.signIn('ada')
  const opening = two.openTab(cookie)
  await gate.heldUp()
  await one.notifications.eraseUser('ada')
  gate.open()
  await using tab = await opening
  await expectClosed(tab)
})
