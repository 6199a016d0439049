import { eventually } from './eventually.js'

/** Holds up what comes, until it is opened. */
export class Gate {
  waiting = 0
  open = () => {}
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve
  })

  async pass(): Promise<void> {
    this.waiting++
    await this.#opened
  }

  /** Waits until somebody does. */
  async heldUp(): Promise<void> {
    await eventually(
      () => this.waiting > 0,
      () => 'nobody is waiting',
    )
  }
}
