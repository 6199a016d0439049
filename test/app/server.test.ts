import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import request from 'supertest'
import { startTestApp } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { handshake } from '../helpers/raw-upgrade.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

/** The bytes of a request. */
function get(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A connection that reads nothing until it is told to. */
async function open(url: string): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('error', () => {}).pause()
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).pause()
  await once(socket, 'connect')
  return { socket, heard: () => Buffer.concat(chunks).toString() }
}

const files = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const megabytes = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
const onLinux = { skip: process.platform !== 'linux' && 'what a process holds open is told by /proc' }

describe('requests that are sent ahead on one connection', () => {
  it('are all answered, in their order, and the connection goes on', async () => {
    await using app = await startTestApp()
    const { socket, heard } = await open(app.url)
    socket.resume()
    for (let round = 1; round <= 3; round++) {
      const body = '{"to":'
      const post = `POST /api/notifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      socket.write(`${get('/healthz')}${post}${Array.from({ length: 20 }, (_, n) => get(`/nowhere-${n}`, { Accept: 'application/json' })).join('')}`)
      await eventually(
        () => heard().split('"code":"not_found"').length === 1 + 20 * round,
        () => heard(),
      )
    }
    const statuses = [...heard().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    const round = ['200', '401', ...Array.from({ length: 20 }, () => '404')]
    assert.deepEqual(statuses, [...round, ...round, ...round])
    socket.destroy()
  })

  it('may have a live connection behind them', async () => {
    await using app = await startTestApp()
    const ada = await app.signIn('ada')
    const { socket, heard } = await open(app.url)
    socket.resume()
    socket.write(get('/notifications/unread', { Cookie: ada.cookie }))
    await eventually(
      () => heard().includes('"unread":0'),
      () => heard(),
    )
    socket.write(handshake({ port: Number(new URL(app.url).port), headers: { Cookie: ada.cookie } }))
    await eventually(
      () => heard().includes('"type":"hello"'),
      () => heard(),
    )
    socket.destroy()
  })

  it('by somebody who reads nothing and hangs up, leave no open files and hold up no stop', onLinux, async () => {
    await using server = await ServerProcess.start()
    const path = /\/build\/belfry\.js/.exec(await (await new Visitor(server.url).get('/login')).text())?.[0] ?? '/app.css'
    await (await fetch(`${server.url}${path}`)).text()
    const before = files(server.pid)
    for (const count of [1400, 100]) {
      const { socket } = await open(server.url)
      socket.write(get(path).repeat(count))
      // Once another one is answered, these are surely there.
      await fetch(`${server.url}/healthz`)
      socket.destroy()
    }
    await eventually(
      () => files(server.pid) <= before,
      () => `${files(server.pid) - before} files are open`,
    )
    const since = performance.now()
    assert.equal(await server.end('SIGTERM'), 0)
    assert.ok(performance.now() - since < 3000, 'it waited for answers that nobody can get')
  })

  it('cost little more memory than one of them, and hold nobody up', onLinux, async () => {
    await using server = await ServerProcess.start()
    const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
    for (let n = 0; n < 100; n++) await admin.postJson('/admin/notifications', { audience: 'everyone', title: 'x', body: 'y'.repeat(5000) })
    const before = megabytes(server.pid)
    let most = before
    const watching = setInterval(() => {
      most = Math.max(most, megabytes(server.pid))
    }, 20).unref()
    const page = get('/notifications?limit=100', { Cookie: admin.cookie, Accept: 'application/json' })
    const sockets = await Promise.all([1, 2, 3, 4, 5].map(() => open(server.url)))
    for (const { socket } of sockets) socket.write(page.repeat(100))
    for (let n = 0; n < 20; n++) {
      const since = performance.now()
      assert.equal((await admin.get('/healthz')).status, 200)
      assert.ok(performance.now() - since < 1500, `another one waited ${performance.now() - since} ms`)
    }
    clearInterval(watching)
    for (const { socket } of sockets) socket.destroy()
    assert.ok(most - before < 100, `${most - before} MB`)
  })

  it('end the connection where they are too many', async () => {
    await using app = await startTestApp()
    const { socket } = await open(app.url)
    socket.resume()
    socket.write(get('/notifications').repeat(1000))
    await eventually(() => socket.destroyed, 'it is open')
    await request(app.url).get('/healthz').expect(200)
  })
})

describe('a stop', () => {
  for (const path of ['/notifications/stream', '/notifications/stream/', '/Notifications/STREAM']) {
    it(`does not wait for the event stream at ${path}`, async () => {
      const app = await startTestApp()
      const ada = await app.signIn('ada')
      const stream = await ada.get(path)
      assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/)
      const since = performance.now()
      await app[Symbol.asyncDispose]()
      assert.ok(performance.now() - since < 3000, `it took ${performance.now() - since} ms`)
      await stream.body?.cancel().catch(() => {})
    })
  }
})
