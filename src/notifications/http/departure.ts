/** So many need not wait for more. */
const ENOUGH = 16

/**
 * When short answers leave that are ready at different moments: together, as soon as a turn of the event loop has brought no more of them, and at once
 * when there are enough. A proxy that takes them all is then woken once; to wake it for each would cost more than the
 * answers do.
 */
export class Departure {
  #next: Promise<void> | undefined
  #waiting = 0

  /** The same promise for all who leave together. Never resolves in the turn that began the wait. */
  next(): Promise<void> {
    this.#waiting++
    this.#next ??= new Promise((resolve) => this.#wait(0, resolve))
    return this.#next
  }

  /** @param before how many waited a turn ago */
  #wait(before: number, leave: () => void): void {
    setImmediate(() => {
      const waiting = this.#waiting
      if (waiting > before && waiting < ENOUGH) this.#wait(waiting, leave)
      else {
        this.#next = undefined
        this.#waiting = 0
        leave()
      }
    })
  }
}
