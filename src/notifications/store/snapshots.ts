import type { Database } from 'better-sqlite3'
import { depthOf, mayInclude, unreadBy } from './exceptions.js'
import type { Feed } from './feed.js'
import type { Inbox } from './inbox.js'
import { Instant } from './instant.js'
import { LiveAudiences } from './live.js'
import type { PagePart, Place } from './pages.js'
import { type Standing, Standings } from './standings.js'
import type { Asked, Concerned, Freshness, Page, Row, Sight, Snapshot } from './store.js'

/**
 * How old what the hub is told may be, in milliseconds: the feed will wake it for anything newer, and asking the feed costs as much as the rest of a
 * slice.
 */
const FRESH = 1
const NONE: readonly never[] = []

/**
 * Snapshots without a query for each: what is a user's alone is kept until the feed tells of a change, and so is what is live in an
 * audience, once for all who are in it. So a message to everyone costs one reading, whoever is connected. The feed is asked
 * before, so what other processes have committed is not missed. The rules are those of `Inbox`, which has the word inside a transaction.
 */
export class Snapshots {
  readonly #db: Database
  readonly #feed: Feed
  readonly #inbox: Inbox
  readonly #instant: Instant
  readonly #audiences: LiveAudiences
  readonly #standings: Standings
  /** The last that somebody was told: neighbours who see the same are given the same object (`Sight` says why). */
  #sight: Sight = { snapshot: { version: 0, unread: 0, membership: '', newest: 0 }, latest: undefined }

  constructor(db: Database, feed: Feed, inbox: Inbox) {
    this.#db = db
    this.#feed = feed
    this.#inbox = inbox
    this.#instant = new Instant(db)
    this.#audiences = new LiveAudiences(db)
    this.#standings = new Standings(db, feed, this.#audiences)
    feed.watch((changed) => this.#forget(changed))
  }

  of(user: string, asOf: Freshness = 'now'): Snapshot {
    const asked = [{ user, seen: Number.MAX_SAFE_INTEGER }]
    // Whoever is read for the first time is read by a statement that also says whether the feed has news.
    const current = this.#readFirst(user) || (asOf === 'now' ? this.#current() : this.#feed.lookOnce())
    const sights = current ? (this.#kept(asked) ?? this.#read(asked)) : undefined
    return sights?.[0]?.snapshot ?? this.#inbox.snapshot(user)
  }

  look(asked: readonly Asked[]): Sight[] {
    return this.#current(FRESH) ? (this.#kept(asked) ?? this.#read(asked)) : this.#inbox.look(asked)
  }

  /** A page of the inbox, or part of it, with the snapshot of the same instant. */
  list(user: string, page: Page): PagePart & { readonly snapshot: Snapshot } {
    return this.#instant.read(() => {
      // A transaction may see more than the feed has told.
      const standing = this.#feed.behind ? undefined : this.#know(user)
      const { rows, more, rest } = this.#inbox.list(user, page, standing && this.#placeOf(standing))
      return { rows, more, rest, snapshot: (standing && this.#assemble(standing)) ?? this.#inbox.snapshot(user) }
    })
  }

  /**
   * Whether what is kept is what is stored, or was `fresh` milliseconds ago. A transaction of our own may see more, and the feed may be unreadable: then
   * it isn't.
   */
  #current(fresh = 0): boolean {
    return !this.#db.inTransaction && ((fresh > 0 && performance.now() - this.#feed.lookedAt < fresh) || this.#feed.look())
  }

  /** Reads and keeps somebody of whom nothing is kept; whether that was so, and one statement was enough. */
  #readFirst(user: string): boolean {
    return !this.#db.inTransaction && this.#standings.get(user) === undefined && this.#readByOneStatement(user)
  }

  /** Undefined where something would have to be read first. */
  #kept(asked: readonly Asked[]): Sight[] | undefined {
    const sights: Sight[] = []
    for (const { user, seen } of asked) {
      const standing = this.#standings.get(user)
      if (standing === undefined) return undefined
      const snapshot = this.#assemble(standing)
      if (snapshot === undefined) return undefined
      const latest = snapshot.newest > seen ? this.#latest(user, seen, standing, snapshot.newest) : undefined
      if (this.#sight.snapshot !== snapshot || this.#sight.latest !== latest) this.#sight = { snapshot, latest }
      sights.push(this.#sight)
    }
    return sights
  }

  /** Without a transaction where one statement is enough; with one, so that all that is read is of the same instant. */
  #read(asked: readonly Asked[]): Sight[] {
    const [first] = asked
    if (asked.length === 1 && first !== undefined && this.#readByOneStatement(first.user)) return this.#kept(asked) ?? this.#inbox.look(asked)
    const sights = this.#instant.read(() => {
      // Whose the news are that the feed has not told yet, nobody here knows.
      if (this.#feed.behind) this.#forgetAll()
      for (const { user } of asked) this.#know(user)
      return this.#kept(asked)
    })
    return sights ?? this.#inbox.look(asked)
  }

  /** Reads and keeps somebody; false where that takes more than one statement: not all of the rest is kept, or something was committed since the feed was read. */
  #readByOneStatement(user: string): boolean {
    const standing = this.#standings.readAlone(user)
    if (standing === undefined || this.#assemble(standing) === undefined) return false
    this.#standings.keep(user, standing)
    return true
  }

  /** With all that its snapshot is made of. */
  #know(user: string): Standing {
    const known = this.#standings.get(user)
    if (known !== undefined && this.#completes(known)) return known
    const standing = this.#standings.read(user, (simple) => this.#completes(simple))
    this.#load(standing)
    this.#standings.keep(user, standing)
    return standing
  }

  /** With how far each stream reaches, so that those that cannot be on a page are not looked through. */
  #placeOf({ watermark, floor, marks, streams }: Standing): Place {
    const reaching = streams.map(({ audience, since, start }) => {
      return { audience, since, start, newest: this.#audiences.get(audience, Math.max(start, floor)).newestAfter(start, since) }
    })
    return { watermark, floor, marks, streams: reaching }
  }

  /** Reads what is missing of its audiences; whether it makes a snapshot with them, as nothing in them has ended since it was read. */
  #completes(standing: Standing): boolean {
    this.#load(standing)
    return this.#assemble(standing) !== undefined
  }

  /** Of each audience as much as this user's snapshot needs. */
  #load({ streams, exceptions, floor }: Standing): void {
    streams.forEach((stream, index) => {
      const { audience, since, start } = stream
      const live = this.#audiences.get(audience, depthOf(exceptions[index] ?? NONE, stream, floor))
      // Read further down, to be found by `#assemble`.
      if (live.newestAfter(start, since) === undefined) this.#audiences.get(audience, start)
    })
  }

  /** Undefined while something changed in one of the audiences and has not been read. */
  #assemble(standing: Standing): Snapshot | undefined {
    let { version, unread, newest } = standing
    let index = 0
    for (const stream of standing.streams) {
      const { audience, since, start } = stream
      const exceptions = standing.exceptions[index++] ?? NONE
      const live = this.#audiences.known(audience, depthOf(exceptions, stream, standing.floor))
      const last = live?.newestAfter(start, since)
      const change = live && unreadBy(exceptions, live)
      if (live === undefined || last === undefined || change === undefined) return undefined
      version += live.version
      unread += live.countAfter(Math.max(start, standing.floor), since) + change
      newest = Math.max(newest, last)
    }
    return this.#sameOr(version, unread, standing.membership, newest)
  }

  /** After a message to everyone most see the same, so what was made for the one before serves again. */
  #sameOr(version: number, unread: number, membership: string, newest: number): Snapshot {
    const { snapshot } = this.#sight
    const same = snapshot.version === version && snapshot.unread === unread && snapshot.newest === newest && snapshot.membership === membership
    return same ? snapshot : { version, unread, membership, newest }
  }

  /** Where the newest is simply unread it need not be searched for; whatever else was done with it is for the inbox to say. */
  #latest(user: string, seen: number, standing: Standing, newest: number): Row | undefined {
    const above = newest > standing.floor
    const row = above ? (newest === standing.newest ? this.#inbox.unreadAt(user, newest) : this.#sharedAt(newest, standing)) : undefined
    return row ?? this.#inbox.latest(user, seen)
  }

  /** Through an audience the same row reached everybody who is in it. */
  #sharedAt(newest: number, { streams, exceptions }: Standing): Row | undefined {
    if (exceptions.some((of) => mayInclude(of, newest))) return undefined
    for (const { audience } of streams) {
      const live = this.#audiences.known(audience, newest)
      if (live?.last === newest) return this.#audiences.contentOf(live)
    }
    return undefined
  }

  #forget(changed: readonly Concerned[]): void {
    for (const audience of changed) {
      if (audience.startsWith('user:')) this.#standings.forget(audience.slice('user:'.length))
      else if (audience.startsWith('topic:') || audience === 'everyone') this.#audiences.forget(audience)
      else this.#forgetAll()
    }
  }

  #forgetAll(): void {
    this.#standings.clear()
    this.#audiences.clear()
  }
}
