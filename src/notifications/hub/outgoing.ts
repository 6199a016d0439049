import type { ServerFrame } from '../protocol.js'
import { bytesOf, textFrame } from './frames.js'

/** A frame on its way to any number of connections: put into words, and into bytes, once. */
export class Outgoing<F extends ServerFrame = ServerFrame> {
  readonly frame: F
  /** Of the state that the frame tells; heartbeats do not carry it themselves. */
  readonly epoch: string
  readonly text: string
  #bytes: string | undefined

  /**
   * @param text the frame as JSON, where that is at hand
   * @param bytes what `bytes` is to be, where that is
   */
  constructor(frame: F, epoch: string, text = JSON.stringify(frame), bytes?: string) {
    this.frame = frame
    this.epoch = epoch
    this.text = text
    this.#bytes = bytes
  }

  /** The same as a WebSocket text frame of a server's, to be written as 'latin1': whole, unmasked, uncompressed. */
  get bytes(): string {
    this.#bytes ??= textFrame(bytesOf(this.text))
    return this.#bytes
  }
}
