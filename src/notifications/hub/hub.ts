import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ending } from '../ending.js'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics.js'
import { type Person, topicsIn } from '../person.js'
import { CLOSE, type CloseCode } from '../protocol.js'
import { CLOSE_WITHIN, type Connection } from './connection.js'
import { Delivery } from './delivery.js'
import { Flush, type LookUp } from './flush.js'
import { Groups } from './groups.js'
import { Wheel } from './heartbeat.js'
import { Member, Seat, type Wake } from './member.js'
import { RecentEndings } from './recent-endings.js'
import { WaitingRoom } from './waiting-room.js'

/** What a hub needs. Times in seconds. */
export interface HubOptions {
  readonly look: LookUp
  readonly heartbeat: number
  readonly reconnectWithin: number
  readonly maxConnectionsPerUser: number
  readonly maxConnections: number
  readonly metrics: Metrics
  readonly logger: Logger
  /** A connection of this user came or went; `connections` are left. */
  readonly changed: (change: 'connected' | 'disconnected', user: string, connections: number) => void
  /** The first connection came, or the last one went. */
  readonly attended: (attended: boolean) => void
}

/** How long those that were cut off have to be gone; closing waits no longer, whatever becomes of them, in milliseconds. */
const GONE_WITHIN = 500
/** Connections closed in one turn of the event loop. */
const CLOSE_SLICE = 100

/**
 * Who is connected, and what each connection knows. Hints wake it; it reads the state of those concerned and sends it,
 * so a hint that is lost, doubled or late does no harm: every heartbeat reads again.
 */
export class Hub {
  readonly #options: HubOptions
  readonly #members = new Map<string, Member>()
  readonly #topics = new Groups<Member>()
  readonly #sessions = new Groups<Seat>()
  readonly #endings = new RecentEndings()
  readonly #flush: Flush
  readonly #waiting: WaitingRoom
  readonly #wheel: Wheel
  /** How many connections there are. */
  #size = 0
  #closing = false
  #emptied: (() => void) | undefined

  constructor(options: HubOptions) {
    this.#options = options
    this.#wheel = new Wheel(options.heartbeat * 1000, (member) => this.#beat(member))
    this.#waiting = new WaitingRoom({
      ready: (seat) => this.#flush.add(seat.member, fromNow()),
      tooSlow: (seat) => seat.connection.close(CLOSE.slow),
    })
    const isDead = (heardAt: number, now: number) => this.#wheel.isDead(heardAt, now)
    const delivery = new Delivery({ ...options, isDead, postpone: (seat) => this.#waiting.add(seat) })
    this.#flush = new Flush({
      ...options,
      deliver: (member, look, { since }, now) => {
        this.#place(member, look.membership)
        delivery.deliver(member, look, since, now)
      },
      // Whoever comes again is greeted with a state, and no news that cannot be put into words.
      untold: ({ seats }) => {
        for (const { connection } of seats) connection.close(CLOSE.overloaded)
      },
      beat: (member) => delivery.beat(member),
    })
  }

  /** Takes nobody any more. */
  get closing(): boolean {
    return this.#closing
  }

  /** Why one more connection of this user cannot be taken; undefined where it can. */
  refusal(user: string): 'user_full' | 'full' | undefined {
    if (this.#closing || this.#size >= this.#options.maxConnections) return 'full'
    const own = this.#members.get(user)?.seats.length ?? 0
    return own >= this.#options.maxConnectionsPerUser ? 'user_full' : undefined
  }

  /**
   * Registers first, then reads, then says hello: what changes in between is seen twice rather than never.
   * @param since when its request came in, before anybody was asked who it is, by performance.now()
   */
  join(connection: Connection, person: Person, since: number): void {
    const ended = this.endedSince(connection, since)
    if (ended !== false || this.#closing) {
      // Where that cannot be told any more, the peer is to come again: then the host is asked anew who it is.
      connection.close(ended === true ? CLOSE.signedOut : CLOSE.restart)
      return
    }
    const member = this.#members.get(person.id) ?? this.#welcome(person.id)
    this.#place(member, person.key)
    const seat = new Seat(connection, member, since)
    // Pushed, the first would reserve the room of seventeen.
    member.seats = member.seats.concat(seat)
    if (++this.#size === 1) this.#options.attended(true)
    this.#sessions.add(connection.session, seat)
    this.#options.metrics.connections(1)
    this.#options.changed('connected', member.user, member.seats.length)
    this.#flush.add(member, fromNow())
  }

  /** A connection has ended, whoever ended it. */
  leave(connection: Connection): void {
    const seat = this.#seatOf(connection)
    if (seat === undefined) return
    const { member } = seat
    this.#size--
    this.#sessions.delete(connection.session, seat)
    this.#waiting.delete(seat)
    member.seats = member.seats.filter((other) => other !== seat)
    if (member.seats.length === 0) this.#dismiss(member)
    this.#options.metrics.connections(-1)
    this.#options.changed('disconnected', member.user, member.seats.length)
    if (this.#size > 0) return
    this.#options.attended(false)
    this.#emptied?.()
  }

  /** The state of these audiences may have changed: `user:<id>`, `topic:<name>`, `everyone`, or `*` for anybody. Others mean nothing here. */
  wake(audiences: readonly string[]): void {
    const wake = fromNow()
    for (const audience of audiences) {
      for (const member of this.#audience(audience)) this.#flush.add(member, wake, 'at once')
    }
  }

  /** A client asks for its state: it gets it even when nothing changed, but not more often than is useful. */
  sync(connection: Connection): void {
    const seat = this.#seatOf(connection)
    if (seat === undefined || seat.asked) return
    seat.asked = true
    this.#flush.add(seat.member, fromNow())
  }

  /** Closes connections with 4401, those included that are still being opened with an identity from before, and none that were asked for later. */
  disconnect(ending: Ending): void {
    const until = this.#endings.add(ending)
    const seats = 'user' in ending ? this.#members.get(ending.user)?.seats : this.#sessions.get(ending.session)
    for (const { connection, since } of [...(seats ?? [])]) {
      const isMeant = ending.kept === undefined ? since <= until : connection.user !== ending.kept
      if (isMeant) connection.close(CLOSE.signedOut)
    }
  }

  /** Whether the session of somebody has ended since then, by performance.now(); undefined where that was too long ago to be known. */
  endedSince(of: Pick<Connection, 'user' | 'session'>, then: number): boolean | undefined {
    return this.#endings.since(of, then)
  }

  /** Everybody who is connected. */
  users(): string[] {
    return [...this.#members.keys()]
  }

  /** Closes every connection with 1012, cuts off those that do not answer within 1.5 s, and takes no more. */
  async close(): Promise<void> {
    this.#closing = true
    this.#wheel.stop()
    this.#flush.stop()
    this.#waiting.stop()
    if (this.#size === 0) return
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    let late = setTimeout(() => {
      for (const connection of this.#connections()) connection.terminate()
      late = setTimeout(() => this.#emptied?.(), GONE_WITHIN)
    }, CLOSE_WITHIN)
    await this.#closeAll(CLOSE.restart)
    await emptied
    clearTimeout(late)
  }

  /** Looked for among the few of its user: a map of all would cost each connection more than its seat. */
  #seatOf(connection: Connection): Seat | undefined {
    return this.#members.get(connection.user)?.seats.find((seat) => seat.connection === connection)
  }

  #connections(): Connection[] {
    return [...this.#members.values()].flatMap(({ seats }) => seats.map(({ connection }) => connection))
  }

  #audience(audience: string): Iterable<Member> {
    if (audience === 'everyone' || audience === '*') return this.#members.values()
    if (audience.startsWith('topic:')) return this.#topics.get(audience.slice('topic:'.length))
    const member = audience.startsWith('user:') ? this.#members.get(audience.slice('user:'.length)) : undefined
    return member === undefined ? [] : [member]
  }

  #welcome(user: string): Member {
    const member = new Member(user)
    this.#members.set(user, member)
    this.#wheel.add(member)
    return member
  }

  #dismiss(member: Member): void {
    this.#members.delete(member.user)
    this.#wheel.delete(member)
    this.#flush.delete(member)
    for (const topic of member.topics) this.#topics.delete(topic, member)
  }

  #place(member: Member, membership: string): void {
    if (member.membership === membership) return
    for (const topic of member.topics) this.#topics.delete(topic, member)
    member.membership = membership
    member.topics = topicsIn(membership)
    for (const topic of member.topics) this.#topics.add(topic, member)
  }

  #beat(member: Member): void {
    member.beatDue = true
    this.#flush.add(member, fromNow())
  }

  async #closeAll(code: CloseCode): Promise<void> {
    let closed = 0
    for (const connection of this.#connections()) {
      connection.close(code)
      if (++closed % CLOSE_SLICE === 0) await nextTurn()
    }
  }
}

function fromNow(): Wake {
  return { since: performance.now() }
}
