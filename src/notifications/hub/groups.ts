/** Values by key, any number of each; a key with a single value, which is the usual case, costs no Set. */
export class Groups<T extends object> {
  readonly #values = new Map<string, T | Set<T>>()

  add(key: string, value: T): void {
    const known = this.#values.get(key)
    if (known === undefined || known === value) this.#values.set(key, value)
    else if (known instanceof Set) known.add(value)
    else this.#values.set(key, new Set([known, value]))
  }

  delete(key: string, value: T): void {
    const known = this.#values.get(key)
    if (known instanceof Set) known.delete(value)
    if (known === value || (known instanceof Set && known.size === 0)) this.#values.delete(key)
  }

  get(key: string): Iterable<T> {
    const known = this.#values.get(key)
    if (known === undefined) return []
    return known instanceof Set ? known : [known]
  }
}
