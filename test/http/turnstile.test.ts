import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore, type SessionData } from 'express-session'
import { Turnstile } from '../../src/notifications/http/turnstile.js'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'
import { handshake, openRaw } from '../helpers/raw-upgrade.js'

/** A store that counts how many were looked for. */
class CountingStore extends MemoryStore {
  reads = 0

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.reads++
    super.get(id, callback)
  }
}

test("a request of the app's does not wait for all who come back at the same moment", async () => {
  const store = new CountingStore()
  let before = 0
  await using host = await LiveHost.start({
    store,
    maxConnectionsPerUser: 200,
    between(req, _res, next) {
      if (req.path === '/ping') before = store.reads
      next()
    },
  })
  const { port } = host
  const Cookie = await host.signIn('ada')
  const sockets = await Promise.all(Array.from({ length: 200 }, () => openRaw(port)))
  const other = await openRaw(port)
  await eventually(
    () => host.sockets.size > sockets.length,
    () => 'not all of them are connected',
  )
  store.reads = 0
  for (const socket of sockets) socket.write(handshake({ port, headers: { Cookie } }))
  other.write('GET /ping HTTP/1.1\r\nHost: app.example\r\n\r\n')
  await once(other, 'data')
  assert.ok(before <= 64, `${before} of 200 were let in first`)
  await eventually(
    async () => (await host.metric('belfry_connections')) === 200,
    () => 'not all of them came in',
  )
  for (const socket of [...sockets, other]) socket.destroy()
})

test('whoever comes later does not go first', async () => {
  const through: number[] = []
  const turnstile = new Turnstile((comer: number) => through.push(comer))
  const comers = Array.from({ length: 60 }, (_, i) => i)
  for (const comer of comers.slice(0, 50)) turnstile.pass(comer)
  assert.equal(through.length, 16)
  await nextTurn()
  for (const comer of comers.slice(50)) turnstile.pass(comer)
  while (through.length < 60) await nextTurn()
  assert.deepEqual(through, comers)
})
