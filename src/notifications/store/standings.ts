import type { Database, Statement } from 'better-sqlite3'
import { Recent } from '../recent.js'
import { ExceptionReader, type Exceptions } from './exceptions.js'
import type { Feed } from './feed.js'
import type { LiveAudiences } from './live.js'
import type { Place, Stream } from './pages.js'
import { preparing } from './statements.js'
import { FLOOR, TOPICS } from './unread.js'

/** What is one user's alone; with what is live in the audiences it makes the snapshot. */
export interface Standing extends Place {
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
const EVERYONE: readonly Stream[] = [{ audience: 'everyone', since: 0, start: 0 }]
const NONE: readonly never[] = []

/** The standings of users, kept until they are forgotten; most are read by one statement. */
export class Standings {
  readonly #feed: Feed
  readonly #audiences: LiveAudiences
  readonly #raw: Statement
  readonly #topics: Statement
  readonly #exceptions: ExceptionReader
  readonly #kept = new Recent<string, Standing>(KEPT)
  /** What was kept of people before something changed: for most, what they have marked and which topics they are in holds. */
  readonly #before = new Recent<string, Standing>(KEPT)

  constructor(db: Database, feed: Feed, audiences: LiveAudiences) {
    const prepare = preparing(db)
    this.#feed = feed
    this.#audiences = audiences
    this.#raw = prepare(STANDING).raw()
    this.#topics = prepare(TOPICS)
    this.#exceptions = new ExceptionReader(db)
  }

  /** What is kept. */
  get(user: string): Standing | undefined {
    return this.#kept.get(user)
  }

  keep(user: string, standing: Standing): void {
    this.#kept.set(user, standing)
  }

  /** By one statement, which also says whether anything was committed since the feed was read; undefined where that is so, or more has to be read. */
  readAlone(user: string): Standing | undefined {
    const raw = this.#raw.get(user) as RawStanding
    return raw[RAW_CHANGES] === this.#feed.position ? this.#simply(user, raw) : undefined
  }

  /**
   * With all that has to be read for it. To be called inside a read transaction.
   * @param holds whether what was known of topics and marks can serve again
   */
  read(user: string, holds: (standing: Standing) => boolean): Standing {
    const raw = this.#raw.get(user) as RawStanding
    const simple = this.#simply(user, raw)
    return simple !== undefined && holds(simple) ? simple : this.#anew(user, raw)
  }

  forget(user: string): void {
    const standing = this.#kept.get(user)
    if (standing === undefined) return
    this.#kept.delete(user)
    if (standing.marks > 0 || standing.membership !== '') this.#before.set(user, standing)
  }

  clear(): void {
    this.#kept.clear()
    this.#before.clear()
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
    return standingOf(raw, streams, marks === 0 ? NONE : this.#exceptions.read(user, { floor, streams }, this.#audiences))
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
    ${FLOOR}, coalesce(u.since, 0), coalesce(u.start, 0), coalesce(u.marks, 0),
    coalesce((SELECT max(n) FROM notification_changes), 0)
  FROM (SELECT ? AS id) me LEFT JOIN notification_users u ON u.user_id = me.id`
