import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import express from 'express'
import session, { MemoryStore } from 'express-session'
import WebSocket from 'ws'
import { createNotifications } from '../../src/notifications/index.js'
import type { ServerFrame } from '../../src/notifications/protocol.js'
import { sessionCookie } from '../../src/notifications/testing.js'
import { eventually } from '../helpers/eventually.js'

/** TLS by a key that both know, so that no certificate is needed. */
const psk = Buffer.from('0123456789abcdef0123456789abcdef')
const ciphers = 'PSK'
const maxVersion = 'TLSv1.2'
const client = {
  ciphers,
  maxVersion,
  pskCallback: () => ({ psk, identity: 'ada' }),
  // Answers what is wrong with the certificate; there is none.
  checkServerIdentity: () => false,
} as const

/** A host that speaks HTTPS itself, and one tab of ada's. */
async function openTab() {
  const store = new MemoryStore()
  const secret = 'for tests'
  const sessions = session({ secret, store, resave: false, saveUninitialized: false })
  const notifications = createNotifications({
    database: ':memory:',
    session: sessions,
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
    heartbeat: 1,
    logger: { info() {}, warn() {}, error() {} },
  })
  const app = express()
  app.use(sessions, notifications.middleware())
  app.use(notifications.basePath, notifications.router())
  const server = createServer({ ciphers, maxVersion, pskCallback: () => psk }, app)
  notifications.attach(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cookie = await sessionCookie({ store, secret, data: { user: 'ada' } })
  const socket = new WebSocket(`${origin.replace('https', 'wss')}/notifications/socket`, 'belfry.v1', {
    headers: { cookie, origin },
    ...client,
  })
  const frames: ServerFrame[] = []
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as ServerFrame))
  await once(socket, 'open')
  return {
    notifications,
    socket,
    frames,
    heartbeats: () => frames.filter(({ type }) => type === 'heartbeat').length,
    unread: () => frames.findLast((frame) => frame.type !== 'heartbeat')?.unread,
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await notifications.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('over TLS a tab is greeted, told of every change, and kept for as long as it answers', async () => {
  await using tab = await openTab()
  await eventually(() => tab.unread() === 0, 'a greeting')
  for (const unread of [1, 2, 3]) {
    await tab.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    await eventually(
      () => tab.unread() === unread,
      () => `${unread} expected, got ${JSON.stringify(tab.frames)}`,
      1000,
    )
  }
  // Whenever a heartbeat is due there is news to be told, too.
  let count = 3
  for (const until = performance.now() + 10_000; tab.heartbeats() < 3 && performance.now() < until; count++) {
    await tab.notifications.notify({ to: { user: 'ada' }, title: 'Hello again' })
  }
  await eventually(
    () => tab.unread() === count,
    () => `${count} expected, got ${tab.unread()}`,
    1000,
  )
  assert.ok(tab.heartbeats() >= 3, `${tab.heartbeats()} heartbeats`)
})

test('over TLS whoever signs out hears it within a second', async () => {
  await using tab = await openTab()
  await eventually(() => tab.unread() === 0, 'a greeting')
  let closed: number | undefined
  tab.socket.once('close', (code) => {
    closed = code
  })
  await tab.notifications.disconnect({ user: 'ada' })
  await eventually(
    () => closed === 4401,
    () => `closed with 4401 expected, got ${closed}`,
    1000,
  )
})
