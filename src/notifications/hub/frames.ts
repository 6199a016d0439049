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

/** Asks whether the peer is still there; as a string, as textFrame gives them. */
export const pingFrame = String.fromCharCode(PING, 0)

/**
 * As a string with a character for each byte ('latin1'), like its payload: such strings are joined from what is the same for many and what is not, and
 * Node writes them without memory of their own.
 * @param payload what asLatin1 gives
 */
export function textFrame(payload: string): string {
  const { length } = payload
  const size = length <= SHORT ? [length] : length < 65_536 ? [126, length >> 8, length & 0xff] : [127, 0, 0, 0, 0, ...fourBytes(length)]
  return String.fromCharCode(TEXT, ...size) + payload
}

/** A text in UTF-8, with a character for each byte. */
export function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

export function pongFrame(payload: Buffer): Buffer {
  return controlFrame(PONG, payload)
}

/** @param code undefined for a close that gives no reason */
export function closeFrame(code: number | undefined): Buffer {
  return controlFrame(CLOSE, code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff]))
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

/** One that says something of the connection: its payload is never longer than SHORT. */
function controlFrame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, payload.length]), payload])
}

function fourBytes(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff)
}
