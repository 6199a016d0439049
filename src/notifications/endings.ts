import type { Bus } from './bus/bus.js'
import { type Ending, nameOf, type Whose } from './ending.js'
import type { Store } from './store/store.js'

/** The one way to end connections: in this process at once, whatever becomes of the database; in other processes as soon as the store tells them. */
export class Endings {
  readonly #bus: Bus
  readonly #store: Store
  /** What was done here already, and is being announced to the others. */
  readonly #own = new Set<string>()

  constructor(bus: Bus, store: Store) {
    this.#bus = bus
    this.#store = store
  }

  /**
   * Resolves when it is stored for the others. Rejects with UnavailableError where it cannot be; here it is done all the same.
   * @param at connections that came in by then end, in milliseconds since 1970
   * @param kept whose the session is now; other processes are not told that
   */
  async end(whose: Whose, at = Date.now(), kept?: string): Promise<void> {
    const ending: Ending = { ...whose, at: Math.floor(at), ...(kept !== undefined && { kept }) }
    this.#bus.publish({ kind: 'disconnect', ...ending })
    const said = sayingOf(ending)
    this.#own.add(said)
    try {
      await this.#store.announce(ending)
    } finally {
      this.#own.delete(said)
    }
  }

  /** What the store tells. */
  heard(endings: readonly Ending[]): void {
    for (const ending of endings) if (!this.#own.has(sayingOf(ending))) this.#bus.publish({ kind: 'disconnect', ...ending })
  }
}

function sayingOf(ending: Ending): string {
  return `${ending.at} ${nameOf(ending)}`
}
