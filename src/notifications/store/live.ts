import type { Database, Statement } from 'better-sqlite3'
import { Recent } from '../recent.js'
import { AS_IF_UNTOUCHED, type RawRow, rowOf } from './rows.js'
import { preparing } from './statements.js'
import type { Row } from './store.js'

type Delivery = readonly [position: number, publishedAt: number]

/** Audiences that are kept, at most; `Recent` sees to it that the half that was asked for last is. */
const KEPT = 20_000

/**
 * What is live in one audience that several share: positions rising, each with when it was published. As far down as somebody has asked, and at
 * least the newest: whoever has read what is older needs none of it.
 */
export class Live {
  readonly audience: string
  /** Another number as soon as something that was in it has ended. */
  generation = 0
  version = 0
  content: Row | undefined
  /** Something changed since it was read. */
  stale = true
  /** All that is live above this position is here. */
  from = Number.POSITIVE_INFINITY
  #positions: number[] = []
  #published: number[] = []
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

  /** Adds what has come since. */
  append(deliveries: readonly Delivery[]): void {
    for (const [position, publishedAt] of deliveries) {
      this.#positions.push(position)
      this.#published.push(publishedAt)
      this.#earliest = Math.min(this.#earliest, publishedAt)
    }
  }

  /** Adds what stands above `from` and below what is here. */
  prepend(deliveries: readonly Delivery[], from: number): void {
    const [positions, published] = [this.#positions, this.#published]
    this.#positions = []
    this.#published = []
    this.append(deliveries)
    this.#positions = this.#positions.concat(positions)
    this.#published = this.#published.concat(published)
    this.from = from
  }

  /** Empties it; what stands above `from` is to be appended. */
  clear(from: number): void {
    this.#positions = []
    this.#published = []
    this.#earliest = Number.POSITIVE_INFINITY
    this.from = from
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

  /** The last of those; 0 where there is none, undefined where it would have to be looked for further down. */
  newestAfter(position: number, since: number): number | undefined {
    for (let index = this.size - 1; index >= 0; index--) {
      const at = this.#positions[index] ?? 0
      if (at <= position) return 0
      if (this.#reaches(index, since)) return at
    }
    return this.from <= position ? 0 : undefined
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
  readonly #newest: Statement
  readonly #above: Statement
  readonly #between: Statement
  readonly #content: Statement
  readonly #kept = new Recent<string, Live>(KEPT)
  #generation = 0

  constructor(db: Database) {
    const prepare = preparing(db)
    this.#version = prepare('SELECT version FROM notification_topics WHERE audience = ?').pluck()
    this.#newest = prepare('SELECT max(position) FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL').pluck()
    this.#above = prepare(`${LIVE_ABOVE} ORDER BY position`).raw()
    this.#between = prepare(`${LIVE_ABOVE} AND position <= ? ORDER BY position`).raw()
    this.#content = prepare(AS_IF_UNTOUCHED).raw()
  }

  /** All that is live in it above a position; undefined where that would have to be read first. */
  known(audience: string, above: number): Live | undefined {
    const live = this.#kept.get(audience)
    return live === undefined || live.stale || live.from > above ? undefined : live
  }

  get(audience: string, above: number): Live {
    return this.known(audience, above) ?? this.#read(audience, above)
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

  #read(audience: string, above: number): Live {
    const live = this.#kept.get(audience) ?? new Live(audience)
    if (live.stale) this.#refresh(live)
    if (live.from > above) live.prepend(this.#between.all(audience, above, live.from) as Delivery[], above)
    this.#kept.set(audience, live)
    return live
  }

  /**
   * Each that comes raises the version by one (`notification_delivered_to_many`), and so does each that ends or reads differently
   * (`notification_delivery_changed_for_many`): where it rose by as many as came, the others hold.
   */
  #refresh(live: Live): void {
    const { audience } = live
    const version = (this.#version.get(audience) as number | undefined) ?? 0
    const known = live.from < Number.POSITIVE_INFINITY
    const come = known ? (this.#above.all(audience, live.last) as Delivery[]) : []
    if (known && version === live.version + come.length) live.append(come)
    else this.#begin(live)
    live.version = version
    live.content = undefined
    live.stale = false
  }

  /** With the newest alone. */
  #begin(live: Live): void {
    const newest = this.#newest.get(live.audience) as number | null
    live.clear(newest === null ? 0 : newest - 1)
    live.generation = ++this.#generation
    if (newest !== null) live.append(this.#above.all(live.audience, newest - 1) as Delivery[])
  }
}

const LIVE_ABOVE = 'SELECT position, published_at FROM notification_deliveries WHERE audience = ? AND ended_at IS NULL AND position > ?'
