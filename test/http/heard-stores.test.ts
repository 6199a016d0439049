import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore, type SessionData } from 'express-session'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'

type Done = (error?: unknown, result?: unknown) => unknown

/** As connect-redis, express-mysql-session and others do it: with a callback they answer what that returns, without one they return a promise. */
class PromisingStore extends MemoryStore {
  out = false

  override destroy = async (ids: unknown, callback?: Done): Promise<unknown> => {
    if (this.out) return this.#answer(new Error('the store is out'), undefined, callback)
    const named = [ids].flat() as string[]
    for (const id of named) MemoryStore.prototype.destroy.call(this, id)
    return this.#answer(undefined, named.length, callback)
  }

  override touch = async (_id: unknown, _session: unknown, callback?: Done): Promise<unknown> => this.#answer(undefined, 'touched', callback)

  async #answer(error: unknown, result: unknown, callback?: Done): Promise<unknown> {
    if (callback) return callback(error, result)
    if (error) throw error
    return result
  }
}

/** As connect-session-knex does it: what the callback is told the promise tells, too. */
class TwiceTellingStore extends MemoryStore {
  out = false

  override get = async (id: string, callback: (error: unknown, session?: SessionData | null) => void): Promise<void> => {
    if (!this.out) return void MemoryStore.prototype.get.call(this, id, callback)
    const error = new Error('the store is out')
    callback(error)
    throw error
  }
}

test("a host that awaits what its store does is told what came of it, and of a failure, as if the store weren't heard", async () => {
  const store = new PromisingStore()
  await using host = await LiveHost.start({ store })
  const cookie = await host.signIn('ada')
  await using tab = await host.openTab(cookie)
  const id = Object.keys(Reflect.get(store, 'sessions') as object)[0] ?? ''
  assert.equal(await store.touch(id, { cookie: {} }), 'touched')
  store.out = true
  // Nor does `req.session.destroy()` wait for what it returns.
  void store.destroy(id)
  await assert.rejects(store.destroy(id), /the store is out/)
  assert.equal(tab.closed, undefined)
  store.out = false
  assert.equal(await store.destroy(id), 1)
  assert.equal(await store.destroy(id, (_error, result) => `${result} gone`), '1 gone')
  await eventually(
    () => tab.closed === 4401,
    () => `4401 expected, got ${tab.closed}`,
    1000,
  )
})

test('a host that destroys several sessions at once, or none, ends the sockets of those', async () => {
  const store = new PromisingStore()
  await using host = await LiveHost.start({ store })
  await using ada = await host.openTab(await host.signIn('ada'))
  await using bo = await host.openTab(await host.signIn('bo'))
  const ids = Object.keys(Reflect.get(store, 'sessions') as object)
  assert.equal(await store.destroy(undefined), 1)
  assert.deepEqual([ada.closed, bo.closed], [undefined, undefined])
  assert.equal(await store.destroy(ids), 2)
  for (const tab of [ada, bo]) {
    await eventually(
      () => tab.closed === 4401,
      () => `4401 expected, got ${tab.closed}`,
      1000,
    )
  }
})

test('an outage of a store whose promises reject, too, ends neither sockets nor the process', async (t) => {
  const store = new TwiceTellingStore()
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  await using host = await LiveHost.start({ store, maxAge: 500 })
  await using tab = await host.openTab(await host.signIn('ada'))
  store.out = true
  await eventually(() => host.warnings.some((warning) => warning.startsWith('the session store cannot be asked')), 'the deadline is not looked at')
  assert.equal(tab.closed, undefined)
  assert.deepEqual(unhandled, [])
})
