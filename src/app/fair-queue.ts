interface Waiting {
  readonly begin: () => void
  readonly turnAway: (error: Error) => void
}

interface Limits {
  readonly atOnce: number
  readonly waiting: number
  /** What those are told who cannot wait here. */
  readonly full: () => Error
}

/**
 * Lets so many work at a time and so many wait. Those who wait get their turns by asker, one each, so that whoever asks for much holds up nobody who asks
 * for little; and where all places are taken, it is the asker with the most that loses one.
 */
export class FairQueue {
  readonly #limits: Limits
  /** Each asker's, in the order in which they came; whose turn is next comes first. */
  readonly #lines = new Map<string, Waiting[]>()
  #working = 0
  #waiting = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Gives what `work` gives, once it is its turn. Rejects with `full` where no place to wait is left, or where it loses its place to an asker who has fewer. */
  async inTurn<T>(asker: string, work: () => Promise<T>): Promise<T> {
    await this.#turn(asker)
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  async #turn(asker: string): Promise<void> {
    if (this.#working < this.#limits.atOnce) {
      this.#working++
      return
    }
    if (this.#waiting >= this.#limits.waiting) this.#makeRoomFor(asker)
    await new Promise<void>((begin, turnAway) => {
      const line = this.#lines.get(asker) ?? []
      line.push({ begin, turnAway })
      this.#lines.set(asker, line)
      this.#waiting++
    })
  }

  #next(): void {
    const [first] = this.#lines
    if (first === undefined) {
      this.#working--
      return
    }
    const [asker, line] = first
    this.#lines.delete(asker)
    const next = line.shift()
    if (line.length > 0) this.#lines.set(asker, line)
    this.#waiting--
    next?.begin()
  }

  #makeRoomFor(asker: string): void {
    const longest = [...this.#lines.values()].reduce((most, line) => (line.length > most.length ? line : most), [])
    if (longest.length <= (this.#lines.get(asker)?.length ?? 0) + 1) throw this.#limits.full()
    longest.pop()?.turnAway(this.#limits.full())
    this.#waiting--
  }
}
