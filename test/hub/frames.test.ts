import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { shortFrame } from '../../src/notifications/hub/frames.js'
import { createReceiver } from '../../src/notifications/hub/receiver.js'

type Told = readonly [kind: string, payload?: string | number]

/** What ws finds in these bytes. */
async function readByWs(bytes: Buffer): Promise<Told[]> {
  const told: Told[] = []
  const receiver = createReceiver({
    message: (data, isBinary) => told.push([isBinary ? 'binary' : 'text', data.toString('hex')]),
    ping: (data) => told.push(['ping', data.toString('hex')]),
    pong: () => told.push(['pong']),
    concluded: (code) => told.push(['concluded', code ?? 0]),
    drained() {},
  })
  receiver.write(bytes)
  await new Promise((resolve) => setImmediate(resolve))
  return told
}

function masked(first: number, payload: Buffer, mask: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), mask, payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0))])
}

const MASK = Buffer.from([1, 2, 3, 4])

describe('a short frame', () => {
  for (const [kind, first, payload] of [
    ['text', 0x81, '{"type":"sync"}'],
    ['text', 0x81, '„Grüße“'],
    ['ping', 0x89, ''],
    ['pong', 0x8a, 'x'.repeat(125)],
  ] as const) {
    it(`with a ${kind} of ${payload.length} characters is read`, () => {
      const frame = shortFrame(masked(first, Buffer.from(payload), MASK))
      assert.deepEqual([frame?.kind, String(frame?.payload)], [kind, payload])
    })
  }

  it('is read as ws reads it, and nothing else is taken for one', async () => {
    const first = fc.oneof(fc.constantFrom(0x81, 0x89, 0x8a), fc.integer({ min: 0, max: 255 }))
    const payload = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 126 }),
    )
    const mask = fc.uint8Array({ minLength: 4, maxLength: 4 })
    /** A byte of the head that is something else, and what is missing at the end or comes behind. */
    const damage = fc.record({
      at: fc.constantFrom(0, 1, -1, -1),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.constantFrom(0, 0, 1),
      more: fc.constantFrom('', '', 'x'),
    })
    await fc.assert(
      fc.asyncProperty(first, payload, mask, damage, async (first, payload, mask, { at, byte, cut, more }) => {
        const frame = masked(first, Buffer.from(payload), Buffer.from(mask))
        if (at >= 0) frame[at] = byte
        const bytes = Buffer.concat([frame.subarray(0, frame.length - cut), Buffer.from(more)])
        const short = shortFrame(Buffer.from(bytes))
        if (short === undefined) return
        const payloadOf = short.kind === 'pong' ? [] : [short.payload.toString('hex')]
        assert.deepEqual(await readByWs(bytes), [[short.kind, ...payloadOf]])
      }),
      { numRuns: 3000 },
    )
  })
})
