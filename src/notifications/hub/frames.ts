import { isUtf8 } from 'node:buffer'

/** What RFC 6455 calls them, section 5.2; each in a frame that is whole, unmasked and uncompressed, as a server's are. */
const TEXT = 0x81
const CLOSE = 0x88
const PING = 0x89
const PONG = 0x8a

/** In a client's, says that the payload is masked, as it has to be. */
const MASKED = 0x80
/** The longest payload whose length is in the second byte. */
const SHORT = 125

/** A frame of a client's, read. */
export interface ShortFrame {
  readonly kind: 'text' | 'ping' | 'pong'
  readonly payload: Buffer
}

/** Asks whether the peer is still there. */
export const pingFrame = framed(PING, Buffer.alloc(0))

export function textFrame(text: string): Buffer {
  return framed(TEXT, text)
}

export function pongFrame(payload: Buffer): Buffer {
  return framed(PONG, payload)
}

/** @param code undefined for a close that gives no reason */
export function closeFrame(code: number | undefined): Buffer {
  return framed(CLOSE, code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff]))
}

/**
 * The one frame that these bytes are, where they are nothing but a short text, a ping or a pong, whole and as it should be: nearly all that clients
 * send. Undefined for everything else, which is for ws to judge.
 */
export function shortFrame(bytes: Buffer): ShortFrame | undefined {
  const kind = bytes[0] === TEXT ? 'text' : bytes[0] === PING ? 'ping' : bytes[0] === PONG ? 'pong' : undefined
  const length = (bytes[1] ?? 0) - MASKED
  if (kind === undefined || length < 0 || length > SHORT || bytes.length !== 6 + length) return undefined
  const payload = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) payload[i] = (bytes[6 + i] ?? 0) ^ (bytes[2 + (i & 3)] ?? 0)
  return kind === 'text' && !isUtf8(payload) ? undefined : { kind, payload }
}

function framed(first: number, payload: string | Buffer): Buffer {
  const length = Buffer.byteLength(payload)
  const head = length <= SHORT ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(head + length)
  bytes[0] = first
  bytes[1] = head === 2 ? length : head === 4 ? 126 : 127
  if (head === 4) bytes.writeUInt16BE(length, 2)
  if (head === 10) bytes.writeBigUInt64BE(BigInt(length), 2)
  if (typeof payload === 'string') bytes.write(payload, head)
  else payload.copy(bytes, head)
  return bytes
}
