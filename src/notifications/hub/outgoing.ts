import type { ServerFrame } from '../protocol.js'

/** A frame on its way to any number of connections: put into words once, by whoever needs it first. */
export class Outgoing<F extends ServerFrame = ServerFrame> {
  readonly frame: F
  /** Of the state that the frame tells; heartbeats do not carry it themselves. */
  readonly epoch: string
  #text: string | undefined

  constructor(frame: F, epoch: string) {
    this.frame = frame
    this.epoch = epoch
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.frame)
    return this.#text
  }
}
