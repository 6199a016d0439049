import type { Asked } from '../service.js'
import type { Connection } from './connection.js'

/** Since when somebody is to be read. An object, so that all whom the same hint woke share it: a number of its own would be boxed for each. */
export interface Wake {
  /** When the hub heard of it, by performance.now(). */
  readonly since: number
}

/** One user who is connected, with all their tabs and devices; and, to the store, the question of what is new to them. */
export class Member implements Asked {
  readonly user: string
  /** Key of the memberships that `topics` was taken from. */
  membership = ''
  topics: readonly string[] = []
  seats: Seat[] = []
  /** The slot of the wheel that this one's heartbeats come with. */
  slot = 0
  /** A heartbeat is to be sent with the next reading. */
  beatDue = false
  /** Since when it waits to be read; undefined where it does not. */
  due: Wake | undefined = undefined

  constructor(user: string) {
    this.user = user
  }

  /** The oldest position that one of the tabs has seen; nothing is newer than it for tabs that were not greeted yet. */
  get seen(): number {
    let seen = Number.MAX_SAFE_INTEGER
    for (const seat of this.seats) if (seat.greeted && seat.seen < seen) seen = seat.seen
    return seen
  }
}

/** A connection's place in the hub, and what it was told. */
export class Seat {
  readonly connection: Connection
  readonly member: Member
  /** When its request came in, by performance.now(), in whole milliseconds: never later than it did. */
  readonly since: number
  /** Epoch and version of the newest state that was sent; undefined and 0 before the hello. Not the state itself: it would grow old here, only to be thrown away with the next. */
  epoch: string | undefined = undefined
  version = 0
  /** Position of the newest notification that it was told of. */
  seen = 0
  /** It sent `sync` and is owed an answer, changed or not. */
  asked = false
  /** When it was last sent a state, by performance.now(), in whole milliseconds. */
  sentAt = 0

  constructor(connection: Connection, member: Member, since: number) {
    this.connection = connection
    this.member = member
    this.since = Math.floor(since)
  }

  get greeted(): boolean {
    return this.epoch !== undefined
  }
}
