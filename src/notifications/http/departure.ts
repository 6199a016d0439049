/**
 * When answers leave that were ready at different moments of one turn of the event loop: together, when it ends. Whoever takes them all, such as a
 * proxy on the same machine, is then awake when the second comes; to wake somebody costs more than a short answer does.
 */
export class Departure {
  #next: Promise<void> | undefined

  /** The end of this turn, the same promise for all who wait for it. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined
        resolve()
      })
    })
    return this.#next
  }
}
