/** So many leave without waiting for more. */
const ENOUGH = 16

/**
 * Lets short answers that are ready at different moments leave together: at the end of the first turn of the event loop in which there are ENOUGH of them, or
 * which has brought no more. A proxy that takes them all is then woken once; to wake it for each would cost more than the answers do.
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
