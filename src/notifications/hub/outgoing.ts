import type { ServerFrame } from '../protocol.js'

/** A frame on its way to any number of connections: put into words, and into bytes, once. */
export class Outgoing<F extends ServerFrame = ServerFrame> {
  readonly frame: F
  /** Of the state that the frame tells; heartbeats do not carry it themselves. */
  readonly epoch: string
  readonly text: string
  #bytes: Buffer | undefined

  /** @param text the frame as JSON, where that is at hand */
  constructor(frame: F, epoch: string, text = JSON.stringify(frame)) {
    this.frame = frame
    this.epoch = epoch
    this.text = text
  }

  /** The same as a WebSocket text frame of a server's: whole, unmasked, uncompressed. */
  get bytes(): Buffer {
    this.#bytes ??= framed(this.text)
    return this.#bytes
  }
}

const FINAL_TEXT = 0x81

function framed(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(head + length)
  bytes[0] = FINAL_TEXT
  bytes[1] = head === 2 ? length : head === 4 ? 126 : 127
  if (head === 4) bytes.writeUInt16BE(length, 2)
  if (head === 10) bytes.writeBigUInt64BE(BigInt(length), 2)
  bytes.write(text, head)
  return bytes
}
