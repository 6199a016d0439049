import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { WebSocketServer } from 'ws'
import { MAX_CLIENT_FRAME } from '../../src/notifications/protocol.js'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'
import { handshake, openRaw } from '../helpers/raw-upgrade.js'

/** A server made of ws that has our rules of what a client may say, and nothing else. */
class Reference implements AsyncDisposable {
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_CLIENT_FRAME })

  static async start(): Promise<Reference> {
    const reference = new Reference()
    reference.#server.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.on('message', (data, isBinary) => {
        if (isBinary) socket.close(1003)
        else if (!hasType(String(data))) socket.close(1008)
      })
    })
    await once(reference.#server, 'listening')
    return reference
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }
}

function hasType(text: string): boolean {
  try {
    return typeof JSON.parse(text)?.type === 'string'
  } catch {
    return false
  }
}

interface Frame {
  readonly first: number
  readonly payload: Uint8Array
  readonly mask: Uint8Array | null
  /** At least so many bytes for the length: 0 stands for the seven bits of the second byte. */
  readonly room: number
}

function bytesOf({ first, payload, mask, room }: Frame): Buffer {
  const { length } = payload
  const bits = mask === null ? 0 : 0x80
  const long = Buffer.alloc(8)
  long.writeBigUInt64BE(BigInt(length))
  const size =
    length > 65_535 || room === 8 ? [bits | 127, ...long] : length > 125 || room === 2 ? [bits | 126, ...long.subarray(6)] : [bits | length]
  return Buffer.concat([Buffer.from([first, ...size]), mask ?? Buffer.alloc(0), payload.map((byte, i) => byte ^ (mask?.[i & 3] ?? 0))])
}

const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>) => fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd })
const oneByte = fc.integer({ min: 0, max: 255 })
const bytes = (...values: number[]) => Buffer.from(values)
const texts = ['{"type":"sync"}', '{"type":"é😀"}', '{"type":5}', '[]', 'null', '', '{', `{"type":"${'x'.repeat(MAX_CLIENT_FRAME - 11)}"}`].map(
  (text) => Buffer.from(text),
)
const notUtf8 = [bytes(0xc0, 0xaf), bytes(0xed, 0xa0, 0x80), bytes(0xf4, 0x90, 0x80, 0x80), bytes(0xe2, 0x82), bytes(0xff)]
const lengths = [0, 1, 124, 125, 126, 127, 1024, 1025, 65_535, 65_536].map((length) => Buffer.alloc(length, 0x20))
const closes = [0, 999, 1000, 1001, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4401, 4999, 5000, 65_535].map((code) =>
  bytes(code >> 8, code & 0xff),
)

function framesOf(first: fc.Arbitrary<number>, payloads: readonly Uint8Array[]): fc.Arbitrary<Frame[]> {
  const mask = fc.uint8Array({ minLength: 4, maxLength: 4 })
  const frame = fc.record({
    first,
    payload: fc.constantFrom(...payloads),
    mask: rarely<Uint8Array | null>(mask, fc.constant(null)),
    room: rarely(fc.constant(0), fc.constantFrom(2, 8)),
  })
  return frame.map((one) => [one])
}

/** A text in pieces, pings between them. */
const inPieces = fc
  .tuple(
    fc.constantFrom(...texts, ...notUtf8, Buffer.from('{"type":"€"}')),
    fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
    rarely(fc.constant(1), fc.constant(2)),
    oneByte,
  )
  .map(([text, cuts, opcode, pinged]) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), text.length]
    return at.slice(1).flatMap((end, i): Frame[] => {
      const first = (i === cuts.length ? 0x80 : 0) | (i === 0 ? opcode : 0)
      const piece = { first, payload: text.subarray(at[i], end), mask: bytes(1, 2, 3, 4), room: 0 }
      return pinged & (1 << i) ? [piece, { ...piece, first: 0x89, payload: bytes(i) }] : [piece]
    })
  })

const said = fc.oneof(
  { weight: 4, arbitrary: framesOf(fc.constant(0x81), texts) },
  { weight: 3, arbitrary: framesOf(fc.constantFrom(0x89, 0x8a), [...lengths.slice(0, 4), Buffer.from('ping')]) },
  { weight: 3, arbitrary: inPieces },
  framesOf(oneByte, [...texts, ...lengths]),
  framesOf(fc.constant(0x81), [...notUtf8, ...lengths]),
  framesOf(fc.constant(0x88), [...closes, ...closes.map((code) => Buffer.concat([code, bytes(0xc3)])), ...lengths]),
)

const talk = fc.record({
  frames: fc.array(said, { minLength: 1, maxLength: 5 }).map((all) => Buffer.concat(all.flat().map(bytesOf))),
  /** How much of it is sent at all, and where it falls into packets. */
  sent: rarely(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
  withHandshake: fc.boolean(),
})

/** Says it and ends. Returns what came back: the pongs, and with what it was closed. */
async function say(port: number, cookie: string, { frames, sent, cuts, withHandshake }: typeof talk extends fc.Arbitrary<infer T> ? T : never) {
  const all = frames.subarray(0, Math.round(frames.length * sent))
  const at = [0, ...cuts.map((cut) => Math.round(cut * all.length)).toSorted((a, b) => a - b), all.length]
  const packets = at.slice(1).map((end, i) => all.subarray(at[i], end))
  const socket = await openRaw(port)
  const heard: Buffer[] = []
  socket.on('data', (chunk) => heard.push(chunk)).setNoDelay()
  socket.write(handshake({ port, headers: { Cookie: cookie }, rest: withHandshake ? (packets.shift() ?? '') : '' }))
  await once(socket, 'data')
  for (const packet of packets) {
    socket.write(packet)
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  if (!socket.closed) await once(socket, 'close')
  const answer = Buffer.concat(heard)
  return answersIn(answer.subarray(answer.indexOf('\r\n\r\n') + 4))
}

function answersIn(answer: Buffer): string[] {
  const answers: string[] = []
  for (let at = 0; at + 1 < answer.length; ) {
    const [opcode = 0, length = 0] = answer.subarray(at)
    const start = at + (length === 126 ? 4 : 2)
    const payload = answer.subarray(start, start + (length === 126 ? answer.readUInt16BE(at + 2) : length))
    at = start + payload.length
    if (opcode === 0x8a) answers.push(`pong ${payload.toString('hex')}`)
    // Why it was closed need not be said again.
    if (opcode === 0x88) answers.push(`close ${payload.subarray(0, 2).toString('hex')}`)
  }
  return answers
}

test('whatever bytes a client sends, in whatever packets, it is answered and closed as by ws, and nothing of it is left', async () => {
  await using host = await LiveHost.start()
  await using reference = await Reference.start()
  const cookie = await host.signIn('ada')
  const alike = async (said: Parameters<typeof say>[2]) => {
    const [ours, theirs] = await Promise.all([say(host.port, cookie, said), say(reference.port, '', said)])
    assert.deepEqual(ours, theirs)
    await eventually(
      async () => (await host.metric('belfry_connections')) === 0,
      () => 'the connection is still held',
      1000,
    )
  }
  await fc.assert(fc.asyncProperty(talk, alike), { numRuns: 300, seed: 6455, includeErrorInReport: true })
})
