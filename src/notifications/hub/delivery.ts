import type { Metrics } from '../metrics.js'
import { type HeartbeatFrame, type State, supersedes } from '../protocol.js'
import type { Look } from '../service.js'
import type { Member, Seat } from './member.js'
import { Outgoing } from './outgoing.js'
import { Wording } from './wording.js'

interface DeliveryOptions {
  /** Both in seconds, as the hello tells them. */
  readonly heartbeat: number
  readonly reconnectWithin: number
  readonly metrics: Metrics
  /** Whether a peer that was last heard then must be gone. */
  readonly isDead: (heardAt: number, now: number) => boolean
  /** It has to be told something, but cannot be now: it reads too slowly, or has asked too often. */
  readonly postpone: (seat: Seat) => void
}

/** Between two answers to `sync` on one connection, in milliseconds; what is asked sooner is answered once, later. */
const SYNC_GAP = 250

/** Decides what each connection of a user is told about a state: only what is newer, only what it can take. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #wording = new Wording()

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /**
   * @param since when the hub first heard of the change, by performance.now()
   * @param now when the state was read
   */
  deliver(member: Member, look: Look, since: number, now: number): void {
    const ready = member.beatDue ? this.#readyForBeat(member) : undefined
    for (const seat of member.seats) this.#tell(seat, look, since, now)
    if (ready !== undefined) this.#beat(ready)
  }

  /** Sends the heartbeat that is due, with the newest version that each connection was told of; cuts off those long silent. */
  beat(member: Member): void {
    this.#beat(this.#readyForBeat(member))
  }

  /**
   * To be asked before anything is sent: over TLS, and on event streams, what is written leaves with the next turn only, and that it has not left yet
   * would say nothing of the peer.
   */
  #readyForBeat(member: Member): Seat[] {
    const now = performance.now()
    member.beatDue = false
    return member.seats.filter((seat) => {
      const { connection, greeted } = seat
      if (this.#options.isDead(connection.heardAt, now)) {
        connection.terminate()
        return false
      }
      if (greeted && connection.backlog === 0) return true
      connection.skipBeat()
      // As everybody else it has ten seconds there to take what it was sent.
      if (greeted) this.#options.postpone(seat)
      return false
    })
  }

  #beat(seats: readonly Seat[]): void {
    let frame: Outgoing<HeartbeatFrame> | undefined
    for (const { connection, epoch, version } of seats) {
      if (epoch === undefined) continue
      if (frame?.frame.version !== version) frame = new Outgoing({ type: 'heartbeat', version }, epoch)
      connection.beat(frame)
    }
  }

  #tell(seat: Seat, look: Look, since: number, now: number): void {
    const { state } = look
    const news = supersedes(state, seat)
    if (!news && !seat.asked) return
    // The greeting is the first that is sent, and may follow the handshake that has not left yet.
    const behind = seat.greeted && seat.connection.backlog > 0
    if (behind || (!news && now - seat.sentAt < SYNC_GAP)) {
      this.#options.postpone(seat)
      return
    }
    if (!seat.greeted) this.#greet(seat, state)
    else {
      seat.connection.send(this.#wording.unread(state, look.newest > seat.seen ? look.latest : undefined))
      if (news) this.#options.metrics.pushed((now - since) / 1000)
    }
    seat.epoch = state.epoch
    seat.version = state.version
    seat.seen = Math.max(seat.seen, look.newest)
    seat.asked = false
    seat.sentAt = Math.trunc(now)
  }

  #greet(seat: Seat, { epoch, version, unread }: State): void {
    const { heartbeat, reconnectWithin } = this.#options
    seat.connection.send(new Outgoing({ type: 'hello', epoch, version, unread, heartbeat, reconnectWithin }, epoch))
  }
}
