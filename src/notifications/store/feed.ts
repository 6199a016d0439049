import type { Database, Statement } from 'better-sqlite3'
import type { Ending } from '../ending.js'
import type { Logger } from '../logger.js'
import { endingOf, IS_ENDING } from './endings.js'
import { preparing } from './statements.js'
import type { Concerned } from './store.js'

type Change = readonly [n: number, audience: string, at: number | null]

type Listener = (changed: readonly Concerned[], endings: readonly Ending[]) => void

interface News {
  readonly changed: Set<string>
  readonly endings: readonly Ending[]
}

interface FeedOptions {
  readonly logger: Logger
  /** Called when foreign rows were refused and are to be logged. */
  readonly refused: () => void
  /** Called with each look while it is long, whoever has written what is kept. */
  readonly grown: () => void
}

/** How often it looks for what other processes have written, in milliseconds. */
const EVERY = 25
/** While nobody is connected who could be told. */
const EVERY_UNATTENDED = 500

const NOTHING: News = { changed: new Set(), endings: [] }

/** How many changes are kept for those who look late. */
const KEPT = 10_000

/** How many of the others are deleted at once. */
const PRUNED = 1000

const SET_BACK =
  'The database was emptied, or restored from a backup, while it is open. Counts are read anew, but open pages take them for old ones until they are loaded again: do it while the server is stopped.'

/** Tells who saw a change, whoever made it: after own commits at once, after those of others at the next look. */
export class Feed {
  readonly #db: Database
  readonly #options: FeedOptions
  readonly #changes: Statement
  readonly #endings: Statement
  readonly #newest: Statement
  readonly #oldest: Statement
  readonly #prune: Statement
  readonly #listeners = new Set<Listener>()
  #timer: NodeJS.Timeout
  #last: number
  #first: number
  #lookedAt = Number.NEGATIVE_INFINITY
  /** It was read in this turn of the event loop, which is enough for `lookOnce`. */
  #looked = false
  #closed = false

  constructor(db: Database, options: FeedOptions) {
    const prepare = preparing(db)
    this.#db = db
    this.#options = options
    this.#changes = prepare(`SELECT n, audience, at FROM notification_changes WHERE n > ? ORDER BY n LIMIT ${KEPT}`).raw()
    this.#endings = prepare(`SELECT n, audience, at FROM notification_changes WHERE n > ? AND n <= ? AND ${IS_ENDING} ORDER BY n`).raw()
    this.#newest = prepare('SELECT coalesce(max(n), 0) FROM notification_changes').pluck()
    this.#oldest = prepare('SELECT coalesce(min(n), 0) FROM notification_changes').pluck()
    // One bound: of two SQLite takes the first to find where the rows end, and looks at all of those below it for the second.
    this.#prune = prepare(`
      DELETE FROM notification_changes
      WHERE n < min((SELECT max(n) FROM notification_changes) - ${KEPT} + 1, (SELECT min(n) FROM notification_changes) + ${PRUNED})`)
    this.#last = this.#newest.get() as number
    this.#first = this.#oldest.get() as number
    this.#timer = this.#lookEvery(EVERY)
  }

  /** So much is kept that to prune it is worth it. */
  get isLong(): boolean {
    return this.#last - this.#first > 2 * KEPT
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** As Store.attend. */
  attend(attended: boolean): void {
    if (this.#closed) return
    clearInterval(this.#timer)
    this.#timer = this.#lookEvery(attended ? EVERY : EVERY_UNATTENDED)
  }

  /** Reads what is new and tells it. Never throws: false where the database cannot be read, and is to be looked at again later. */
  look(): boolean {
    // On a handle shared with the host, what its open transaction did may still be undone.
    if (!this.#db.open || this.#db.inTransaction) return false
    const news = this.#news()
    if (news === undefined) return false
    this.#lookedAt = performance.now()
    const { changed, endings } = news
    if (changed.delete('')) this.#options.refused()
    if (changed.size + endings.length > 0) this.#tell([...changed], endings)
    if (this.isLong) this.#options.grown()
    return true
  }

  /** As `look`, but at most once in a turn of the event loop. */
  lookOnce(): boolean {
    if (this.#looked && !this.#db.inTransaction) return true
    this.#looked = this.look()
    if (this.#looked) setImmediate(() => this.#turnEnded())
    return this.#looked
  }

  /** When it was last read, by performance.now(). */
  get lookedAt(): number {
    return this.#lookedAt
  }

  /** The newest change that has been told. */
  get position(): number {
    return this.#last
  }

  /** Whether something has been committed since the last look; throws where the database cannot be read. */
  get behind(): boolean {
    return this.#newest.get() !== this.#last
  }

  /** Some of it. To be called inside a write transaction. The newest are kept, so that numbers never start again. */
  prune(): void {
    this.#prune.run()
    this.#first = this.#oldest.get() as number
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  #lookEvery(ms: number): NodeJS.Timeout {
    return setInterval(() => this.#lookAround(), ms).unref()
  }

  /** Numbers only rise, but where another program empties the table, or restores a backup over it: then what is new has numbers that were told long ago. */
  #lookAround(): void {
    try {
      if (!this.look()) return
      const newest = this.#newest.get() as number
      if (newest >= this.#last) return
      this.#last = newest
      this.#first = this.#oldest.get() as number
    } catch {
      return
    }
    this.#options.logger.warn({}, SET_BACK)
    this.#options.refused()
    this.#tell(['*'], [])
  }

  #turnEnded(): void {
    this.#looked = false
  }

  #news(): News | undefined {
    try {
      const changes = this.#changes.all(this.#last) as Change[]
      const [first, newest] = [changes[0], changes.at(-1)]
      if (first === undefined || newest === undefined) return NOTHING
      if (first[0] !== this.#last + 1 || changes.length === KEPT) return this.#tooMuch()
      this.#last = newest[0]
      return newsOf(changes)
    } catch {
      return undefined
    }
  }

  /** Anybody may have changed; but whose connections are to end nobody can see from what is stored. */
  #tooMuch(): News {
    const newest = this.#newest.get() as number
    const { endings } = newsOf(this.#endings.all(this.#last, newest) as Change[])
    this.#last = newest
    return { changed: new Set(['*', '']), endings }
  }

  #tell(changed: readonly Concerned[], endings: readonly Ending[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(changed, endings)
      } catch (error) {
        this.#options.logger.error({ err: error }, 'a listener for changes failed')
      }
    }
  }
}

function newsOf(changes: readonly Change[]): News {
  const changed = new Set<string>()
  const endings: Ending[] = []
  for (const [, audience, at] of changes) {
    const ending = endingOf(audience, at)
    if (ending === undefined) changed.add(audience)
    else endings.push(ending)
  }
  return { changed, endings }
}
