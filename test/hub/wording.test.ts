import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { Outgoing } from '../../src/notifications/hub/outgoing.js'
import { Wording } from '../../src/notifications/hub/wording.js'
import type { Item } from '../../src/notifications/protocol.js'

const EPOCH = '0123456789abcdef'

function item(title: string, body: string | null = null): Item {
  const absent = { url: null, category: null, data: null, readAt: null, expiresAt: null }
  return { id: 'n1', cursor: '1-012345', title, body, level: 'info', state: 'unread', createdAt: '2030-01-31T09:00:00.000Z', ...absent }
}

it('a frame of any length and script arrives as it was written', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const wording = new Wording()
  const frames = [0, 1, 100, 10_000, 65_000, 70_000].map((length) => {
    const latest = item('„Grüße“ 🔔', 'ü'.repeat(length))
    return wording.unread({ epoch: EPOCH, version: length, unread: 1 }, latest)
  })
  const short = new Outgoing({ type: 'heartbeat', version: 7 }, EPOCH)
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.on('upgrade', (req, socket, head) => {
    upgrades.handleUpgrade(req, socket, head, () => {
      for (const frame of [short, ...frames]) socket.write(frame.latin1, 'latin1')
    })
  })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate: false })
  const heard: string[] = []
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject)
    client.on('message', (data) => {
      heard.push(String(data))
      if (heard.length === frames.length + 1) resolve()
    })
  })
  assert.deepEqual(
    heard,
    [short, ...frames].map(({ frame }) => JSON.stringify(frame)),
  )
  client.terminate()
  server.close()
})

it('a frame of any length is the same, put together or not', () => {
  const wording = new Wording()
  for (const length of [0, 20, 30, 40, 100, 65_300, 65_400, 65_500, 70_000]) {
    const together = wording.unread({ epoch: EPOCH, version: 1, unread: 1 }, item('Grüße', '🔔'.repeat(length / 4)))
    assert.equal(together.latin1, new Outgoing(together.frame, EPOCH).latin1)
  }
})

it('the same state with the same news is one frame, and reads as its JSON', () => {
  const wording = new Wording()
  const state = { epoch: EPOCH, version: 3, unread: 2 }
  const news = item('"quoted" \\ and\nbroken')
  const frame = wording.unread(state, news)
  assert.equal(frame.text, JSON.stringify({ type: 'unread', ...state, latest: news }))
  assert.deepEqual(frame.frame, JSON.parse(frame.text))
  assert.equal(wording.unread({ ...state }, news), frame)
  const others = [
    [{ ...state, unread: 1 }, news],
    [{ ...state, version: 4 }, news],
    [{ ...state, version: 3 + 64 }, news],
    [{ ...state, epoch: 'another' }, news],
    [state, item('other')],
    [state, undefined],
  ] as const
  for (const [other, latest] of others) {
    wording.unread(state, news)
    assert.equal(wording.unread(other, latest).text, JSON.stringify({ type: 'unread', ...other, latest }))
  }
})
