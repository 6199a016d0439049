import { createRequire } from 'node:module'
import { MAX_CLIENT_FRAME } from '../protocol.js'

/** Reads frames from the bytes that are written to it, and tells what it finds by events. ws exports it, its types do not. */
interface Receiver {
  write(bytes: Buffer): boolean
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): this
  on(event: 'conclude', listener: (code: number) => void): this
  on(event: 'error', listener: (error: { readonly code?: string }) => void): this
  on(event: 'drain', listener: () => void): this
}

/** Whom it tells. */
export interface FrameListener {
  message(data: Buffer, isBinary: boolean): void
  ping(data: Buffer): void
  pong(): void
  /**
   * The peer closes, or what it sends is no WebSocket; nothing more is to be read.
   * @param code what it is to be answered with: its own, undefined where it gave none, or what was wrong
   */
  concluded(code: number | undefined): void
  drained(): void
}

const { Receiver } = createRequire(import.meta.url)('ws') as { readonly Receiver: new (options: object) => Receiver }

/** With limits, as without them a peer that dribbles fragments is never closed. */
const OPTIONS = { isServer: true, maxPayload: MAX_CLIENT_FRAME, maxFragments: 16, maxBufferedChunks: 16 }

/** What ws stands for in a close without a code. */
const NO_CODE = 1005

const FAILURES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
}
const PROTOCOL_ERROR = 1002

export function createReceiver(listener: FrameListener): Pick<Receiver, 'write'> {
  return new Receiver(OPTIONS)
    .on('message', (data, isBinary) => listener.message(data, isBinary))
    .on('ping', (data) => listener.ping(data))
    .on('pong', () => listener.pong())
    .on('conclude', (code) => listener.concluded(code === NO_CODE ? undefined : code))
    .on('error', ({ code = '' }) => listener.concluded(FAILURES[code] ?? PROTOCOL_ERROR))
    .on('drain', () => listener.drained())
}
