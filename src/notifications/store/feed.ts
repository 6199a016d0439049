import type { Database, Statement } from 'better-sqlite3'
import type { Audience } from './store.js'

interface Change {
  readonly n: number
  readonly audience: string
}

type Listener = (changed: readonly Audience[]) => void

/** How often it looks for what other processes have written, in milliseconds. */
const EVERY = 25

/** How many changes are kept for those who look late. */
const KEPT = 20_000

/** Tells who saw a change, whoever made it: after own commits at once, after those of others at the next look. */
export class Feed {
  readonly #db: Database
  readonly #refused: () => void
  readonly #since: Statement
  readonly #bounds: Statement
  readonly #prune: Statement
  readonly #listeners = new Set<Listener>()
  readonly #timer: NodeJS.Timeout
  #last: number

  /** @param refused called when foreign rows were refused and are to be logged */
  constructor(db: Database, refused: () => void) {
    this.#db = db
    this.#refused = refused
    this.#since = db.prepare('SELECT n, audience FROM notification_changes WHERE n > ? ORDER BY n').safeIntegers(false)
    this.#bounds = db.prepare('SELECT coalesce(min(n), 0) AS low, coalesce(max(n), 0) AS high FROM notification_changes').safeIntegers(false)
    this.#prune = db.prepare('DELETE FROM notification_changes WHERE n <= (SELECT max(n) FROM notification_changes) - ?')
    this.#last = (this.#bounds.get() as { high: number }).high
    this.#timer = setInterval(() => this.look(), EVERY).unref()
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads what is new and tells it. An unreadable database is looked at again later. */
  look(): void {
    if (!this.#db.open || this.#db.inTransaction) return
    const audiences = this.#news()
    if (audiences.delete('')) this.#refused()
    if (audiences.size === 0) return
    const changed = [...audiences]
    for (const listener of this.#listeners) listener(changed)
  }

  /** To be called inside a write transaction. The newest is kept, so that numbers never start again. */
  prune(): void {
    this.#prune.run(KEPT)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  #news(): Set<string> {
    try {
      const last = this.#last
      const changes = this.#since.all(last) as Change[]
      const newest = changes.at(-1)
      if (newest === undefined) return new Set()
      this.#last = newest.n
      const gap = changes[0]?.n !== last + 1
      return new Set(gap ? ['*', ...changes.map((c) => c.audience)] : changes.map((c) => c.audience))
    } catch {
      return new Set()
    }
  }
}
