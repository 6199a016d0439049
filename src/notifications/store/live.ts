import type { Database, Statement } from 'better-sqlite3'
import { Recent } from '../recent.js'
import { type RawRow, rowOf, UNREAD_AT } from './rows.js'
import { preparing } from './statements.js'
import type { Row } from './store.js'

interface Delivery {
  readonly position: number
  readonly published_at: number
}

/** Audiences that are kept. */
const KEPT = 2000

/** What is live in one audience that several share: positions rising, each with when it was published. */
export class Live {
  readonly audience: string
  /** Another number as soon as something that was in it has ended. */
  generation = 0
  version = 0
  content: Row | undefined
  /** Something changed since it was read. */
  stale = true
  readonly #positions: number[] = []
  readonly #published: number[] = []
  #earliest = Number.POSITIVE_INFINITY

  constructor(audience: string) {
    this.audience = audience
  }

  get last(): number {
    return this.#positions.at(-1) ?? 0
  }

  get size(): number {
    return this.#positions.length
  }

  add({ position, published_at }: Delivery): void {
    this.#positions.push(position)
    this.#published.push(published_at)
    this.#earliest = Math.min(this.#earliest, published_at)
  }

  clear(): void {
    this.#positions.length = 0
    this.#published.length = 0
    this.#earliest = Number.POSITIVE_INFINITY
  }

  has(position: number): boolean {
    return this.#positions[this.#indexAfter(position) - 1] === position
  }

  /** How many stand above a position and were not published before `since`. */
  countAfter(position: number, since: number): number {
    const from = this.#indexAfter(position)
    if (since <= this.#earliest) return this.size - from
    let count = 0
    for (let index = from; index < this.size; index++) if (this.#reaches(index, since)) count++
    return count
  }

  /** The last of those; 0 where there is none. */
  newestAfter(position: number, since: number): number {
    for (let index = this.size - 1; index >= 0; index--) {
      const at = this.#positions[index] ?? 0
      if (at <= position) return 0
      if (this.#reaches(index, since)) return at
    }
    return 0
  }

  #reaches(index: number, since: number): boolean {
    return (this.#published[index] ?? 0) >= since
  }

  /** The index of the first that stands above a position. */
  #indexAfter(position: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#positions[middle] ?? 0) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What is live in each audience that somebody has asked about, as of the last change that was told. */
export class LiveAudiences {
  readonly #version: Statement
  readonly #count: Statement
  readonly #since: Statement
  readonly #content: Statement
  readonly #kept = new Recent<string, Live>(KEPT)
  #generation = 0

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#version = prepare('SELECT version FROM notification_topics WHERE audience = ?').pluck()
    this.#count = prepare('SELECT count(*) FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL AND position <= ?').pluck()
    this.#since = prepare(
      'SELECT position, published_at FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL AND position > ? ORDER BY position',
    )
    this.#content = prepare(UNREAD_AT).raw()
  }

  /** Undefined where it would have to be read first. */
  known(audience: string): Live | undefined {
    const live = this.#kept.get(audience)
    return live === undefined || live.stale ? undefined : live
  }

  get(audience: string): Live {
    return this.known(audience) ?? this.#read(audience)
  }

  /** The newest in it, as it reads to somebody who has not read it; undefined where another process has deleted it since. */
  contentOf(live: Live): Row | undefined {
    if (live.content === undefined) {
      const raw = this.#content.get(live.last) as RawRow | undefined
      live.content = raw && rowOf(raw)
    }
    return live.content
  }

  forget(audience: string): void {
    const live = this.#kept.get(audience)
    if (live !== undefined) live.stale = true
  }

  clear(): void {
    this.#kept.clear()
  }

  /** Positions are never used twice, so where none of the old ones is missing, only the new ones are read. */
  #read(audience: string): Live {
    const live = this.#kept.get(audience) ?? new Live(audience)
    if (live.size === 0 || this.#count.get(audience, live.last) !== live.size) {
      live.clear()
      live.generation = ++this.#generation
    }
    for (const delivery of this.#since.iterate(audience, live.last)) live.add(delivery as Delivery)
    live.version = (this.#version.get(audience) as number | undefined) ?? 0
    live.content = undefined
    live.stale = false
    this.#kept.set(audience, live)
    return live
  }
}
