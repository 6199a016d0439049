import type { Database, Statement } from 'better-sqlite3'
import { Recent } from '../recent.js'
import { type Exceptions, ExceptionsOf, mayHold, unreadBy } from './exceptions.js'
import type { Feed } from './feed.js'
import type { Inbox } from './inbox.js'
import { Instant } from './instant.js'
import { LiveAudiences } from './live.js'
import type { PagePart, Place, Stream } from './pages.js'
import { preparing } from './statements.js'
import type { Asked, Audience, Moment, Page, Row, Sight, Snapshot } from './store.js'

/** What is one user's alone; with what is live in the audiences it makes the snapshot. */
interface Standing extends Place {
  readonly version: number
  readonly unread: number
  readonly newest: number
  readonly membership: string
  /** One for each stream, none at all where there are none in any. */
  readonly exceptions: readonly Exceptions[]
}

/** A tuple, as naming the columns of each row takes as long as finding it. `changes` is the newest change that this reading knows of. */
type RawStanding = readonly [
  version: number,
  unread: number,
  newest: number,
  membership: string,
  watermark: number,
  floor: number,
  since: number,
  start: number,
  marks: number,
  changes: number,
]

const RAW_CHANGES = 9

/** Users whose standing is kept: those who are connected or poll, with room to spare. */
const KEPT = 50_000
/**
 * How long what others commit may go unnoticed where many are read, in milliseconds: who does that is told of it by the feed anyway, and asking
 * takes as long as all the rest.
 */
const FRESH = 1
const EVERYONE: readonly Stream[] = [{ audience: 'everyone', since: 0, start: 0 }]
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
  readonly #standing: Statement
  readonly #topics: Statement
  readonly #exceptions: ExceptionsOf
  readonly #standings = new Recent<string, Standing>(KEPT)
  /** What was kept of people before the feed told of a change: for most, what they have marked and which topics they are in holds. */
  readonly #before = new Recent<string, Standing>(KEPT)
  readonly #audiences: LiveAudiences
  /** The last that somebody was told. */
  #sight: Sight = { snapshot: { version: 0, unread: 0, membership: '', newest: 0 }, latest: undefined }

  constructor(db: Database, feed: Feed, inbox: Inbox) {
    const prepare = preparing(db)
    this.#db = db
    this.#feed = feed
    this.#inbox = inbox
    this.#instant = new Instant(db)
    this.#standing = prepare(STANDING).raw()
    this.#topics = prepare('SELECT audience, since, start FROM notification_memberships WHERE user_id = ?')
    this.#exceptions = new ExceptionsOf(db)
    this.#audiences = new LiveAudiences(db)
    feed.watch((changed) => this.#forget(changed))
  }

  of(user: string, asOf: Moment = 'now'): Snapshot {
    const asked = [{ user, seen: Number.MAX_SAFE_INTEGER }]
    const [sight] = this.#isNew(user) || (asOf === 'now' ? this.#current() : this.#feed.lookOnce()) ? (this.#kept(asked) ?? this.#read(asked)) : []
    return sight?.snapshot ?? this.#inbox.snapshot(user)
  }

  look(asked: readonly Asked[]): Sight[] {
    return this.#current(FRESH) ? (this.#kept(asked) ?? this.#read(asked)) : this.#inbox.look(asked)
  }

  /** A page of the inbox, or part of it, with the snapshot of the same instant. */
  list(user: string, page: Page): PagePart & { readonly snapshot: Snapshot } {
    return this.#instant.read(() => {
      // A transaction may see more than the feed has told.
      const standing = this.#feed.behind ? undefined : this.#know(user)
      const { rows, more, rest } = this.#inbox.list(user, page, standing)
      return { rows, more, rest, snapshot: (standing && this.#assemble(standing)) ?? this.#inbox.snapshot(user) }
    })
  }

  /** Whether what is kept is what is stored. A transaction of our own may see more, and the feed may be unreadable: then it isn't. */
  #current(fresh = 0): boolean {
    return !this.#db.inTransaction && ((fresh > 0 && performance.now() - this.#feed.lookedAt < fresh) || this.#feed.look())
  }

  /** Of whom nothing is kept, one statement says whether the feed has anything to tell, too. */
  #isNew(user: string): boolean {
    return !this.#db.inTransaction && this.#standings.get(user) === undefined && this.#readAlone(user)
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
    if (asked.length === 1 && first !== undefined && this.#readAlone(first.user)) return this.#kept(asked) ?? this.#inbox.look(asked)
    const sights = this.#instant.read(() => {
      if (this.#feed.behind) this.#forgetAll()
      for (const { user } of asked) this.#know(user)
      return this.#kept(asked)
    })
    return sights ?? this.#inbox.look(asked)
  }

  /** Whether one statement was enough: the rest is kept, and nothing was committed since the feed was read. */
  #readAlone(user: string): boolean {
    const raw = this.#standing.get(user) as RawStanding
    const standing = raw[RAW_CHANGES] === this.#feed.position ? this.#simply(user, raw) : undefined
    if (standing === undefined || this.#assemble(standing) === undefined) return false
    this.#standings.set(user, standing)
    return true
  }

  /** With all that its snapshot is made of. */
  #know(user: string): Standing {
    const known = this.#standings.get(user)
    if (known !== undefined && this.#holds(known)) return known
    const raw = this.#standing.get(user) as RawStanding
    const simple = this.#simply(user, raw)
    const standing = simple !== undefined && this.#holds(simple) ? simple : this.#anew(user, raw)
    this.#standings.set(user, standing)
    return standing
  }

  #holds(standing: Standing): boolean {
    for (const { audience } of standing.streams) this.#audiences.get(audience)
    return this.#assemble(standing) !== undefined
  }

  /** Of somebody in no topic who never marked one by itself, and of somebody of whom the rest is known from before. */
  #simply(user: string, raw: RawStanding): Standing | undefined {
    const [, , , membership, , floor, since, start, marks] = raw
    if (membership === '' && marks === 0) return standingOf(raw, streamsFrom(since, start), NONE)
    const before = this.#before.get(user)
    const holds = before !== undefined && before.marks === marks && before.floor === floor
    return holds ? standingOf(raw, before.streams, before.exceptions) : undefined
  }

  #anew(user: string, raw: RawStanding): Standing {
    const [, , , membership, , floor, since, start, marks] = raw
    const streams = streamsFrom(since, start, membership === '' ? NONE : (this.#topics.all(user) as Stream[]))
    for (const { audience } of streams) this.#audiences.get(audience)
    return standingOf(raw, streams, marks === 0 ? NONE : this.#exceptions.read(user, { floor, streams }, this.#audiences))
  }

  /** Undefined while something changed in one of the audiences and has not been read. */
  #assemble(standing: Standing): Snapshot | undefined {
    let { version, unread, newest } = standing
    let index = 0
    for (const { audience, since, start } of standing.streams) {
      const live = this.#audiences.known(audience)
      if (live === undefined) return undefined
      version += live.version
      unread += live.countAfter(Math.max(start, standing.floor), since)
      newest = Math.max(newest, live.newestAfter(start, since))
      const change = unreadBy(standing.exceptions[index++] ?? NONE, live)
      if (change === undefined) return undefined
      unread += change
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
    if (exceptions.some((of) => mayHold(of, newest))) return undefined
    for (const { audience } of streams) {
      const live = this.#audiences.get(audience)
      if (live.last === newest) return this.#audiences.contentOf(live)
    }
    return undefined
  }

  #forget(changed: readonly Audience[]): void {
    for (const audience of changed) {
      if (audience.startsWith('user:')) this.#forgetUser(audience.slice('user:'.length))
      else if (audience.startsWith('topic:') || audience === 'everyone') this.#audiences.forget(audience)
      else if (!audience.startsWith('session:') && !audience.startsWith('signed-out:')) this.#forgetAll()
    }
  }

  #forgetUser(user: string): void {
    const standing = this.#standings.get(user)
    if (standing === undefined) return
    this.#standings.delete(user)
    if (standing.marks > 0 || standing.membership !== '') this.#before.set(user, standing)
  }

  #forgetAll(): void {
    this.#standings.clear()
    this.#before.clear()
    this.#audiences.clear()
  }
}

function streamsFrom(since: number, start: number, topics: readonly Stream[] = NONE): readonly Stream[] {
  return since === 0 && start === 0 && topics.length === 0 ? EVERYONE : [{ audience: 'everyone', since, start }, ...topics]
}

/** Written out: rest and spread would give each of thousands a hidden class of its own. */
function standingOf(
  [version, unread, newest, membership, watermark, floor, , , marks]: RawStanding,
  streams: readonly Stream[],
  exceptions: readonly Exceptions[],
): Standing {
  return { version, unread, newest, membership, watermark, floor, marks, streams, exceptions }
}

const STANDING = `
  SELECT coalesce(u.version, 0), coalesce(u.unread, 0), coalesce(u.newest, 0), coalesce(u.membership, ''), coalesce(u.watermark, 0),
    coalesce(max(u.watermark, u.settled), 0), coalesce(u.since, 0), coalesce(u.start, 0), coalesce(u.marks, 0),
    coalesce((SELECT max(n) FROM notification_changes), 0)
  FROM (SELECT ? AS id) me LEFT JOIN notification_users u ON u.user_id = me.id`
