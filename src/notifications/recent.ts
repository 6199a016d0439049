/**
 * A map that keeps what was set last, at least half of its limit and never more than that. Two halves, of which the older goes as a whole: taking
 * the oldest entry out of one Map again and again would walk over the holes of all that were taken out before.
 */
export class Recent<Key, Value> {
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  readonly #half: number

  constructor(limit: number) {
    this.#half = limit / 2
  }

  get(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: Key, value: Value): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: Key): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    // Not cleared: the table that a map had before keeps the next one alive, with all that is in it, until a full collection.
    this.#old = new Map()
    this.#young = new Map()
  }
}
