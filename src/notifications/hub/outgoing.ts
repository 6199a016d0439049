import type { ServerFrame } from '../protocol.js'
import { textFrame } from './frames.js'

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
    this.#bytes ??= textFrame(this.text)
    return this.#bytes
  }
}
