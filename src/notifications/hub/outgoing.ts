import type { ServerFrame } from '../protocol.js'
import { asLatin1, textFrame } from './frames.js'

/** A frame on its way to any number of connections: put into words, and into bytes, once. */
export class Outgoing<F extends ServerFrame = ServerFrame> {
  readonly frame: F
  /** Of the state that the frame tells; heartbeats do not carry it themselves. */
  readonly epoch: string
  readonly text: string
  #latin1: string | undefined

  /**
   * @param text the frame as JSON, where that is at hand
   * @param latin1 what `latin1` is to be, where that is
   */
  constructor(frame: F, epoch: string, text = JSON.stringify(frame), latin1?: string) {
    this.frame = frame
    this.epoch = epoch
    this.text = text
    this.#latin1 = latin1
  }

  /** As a WebSocket text frame of a server's (whole, unmasked, uncompressed), a character for each byte. */
  get latin1(): string {
    this.#latin1 ??= textFrame(asLatin1(this.text))
    return this.#latin1
  }
}
