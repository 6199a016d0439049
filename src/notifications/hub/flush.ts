import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../logger.js'
import type { Asked, Look } from '../service.js'
import type { Member, Wake } from './member.js'

/** Reads the state of many users at once; answers in their order. */
export type LookUp = (asked: readonly Asked[]) => Promise<readonly Look[]>

/** Members who are served in one turn, and since when each of them waits. */
interface Slice {
  readonly members: readonly Member[]
  readonly wakes: readonly Wake[]
}

/** Members whom one hint wakes are read at once. A new connection waits a turn, so that those that come together are read together. */
type Start = 'at once' | 'next turn'

interface FlushOptions {
  readonly look: LookUp
  /** @param now when the state was read, by performance.now() */
  readonly deliver: (member: Member, look: Look, wake: Wake, now: number) => void
  /** Their state was read, but they could not be told. */
  readonly untold: (member: Member) => void
  /** The state of these cannot be read now, but a heartbeat of theirs is due. */
  readonly beat: (member: Member) => void
  readonly logger: Logger
}

/** Connections served in one turn of the event loop: some 0.3 ms, so that the host's own requests never wait for a broadcast. */
const SLICE = 32
/** Where others take so long in each turn (a commit waits for the disk) that the last would be served later than this, in milliseconds, a turn serves more slices. */
const SOON = 200
/** It then serves for this share of the time that the others took in the turn before, */
const SHARE = 1 / 4
/** but at most for so long, in milliseconds. */
const LONGEST_SHARE = 4
/** How many that were taken may stay in the queue: taking each out would move all the others. */
const ROOM = 4096
/** Between two attempts while the store cannot be read, in milliseconds. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2000

/**
 * Those whose state may have changed, each at most once, and the one reader that serves them a slice a turn. Whoever is
 * added while being read is read again: overlap repeats, a gap would lose.
 */
export class Flush {
  readonly #options: FlushOptions
  readonly #queue: Member[] = []
  /** How many at the head of the queue have been taken. */
  #taken = 0
  #running = false
  #stopped = false
  #pause = 0

  constructor(options: FlushOptions) {
    this.#options = options
  }

  add(member: Member, wake: Wake, start: Start = 'next turn'): void {
    if (this.#pause > 0 && member.beatDue) this.#options.beat(member)
    if (member.due !== undefined) return
    member.due = wake
    this.#queue.push(member)
    if (!this.#running) void this.#run(start)
  }

  delete(member: Member): void {
    member.due = undefined
  }

  stop(): void {
    this.#stopped = true
    this.#queue.length = 0
  }

  async #run(start: Start): Promise<void> {
    this.#running = true
    await (start === 'at once' ? undefined : nextTurn())
    let until = 0
    for (let slice = this.#take(); slice.members.length > 0; slice = this.#take()) {
      const looks = await this.#options.look(slice.members).catch((error: unknown) => this.#unreadable(error))
      if (this.#stopped) break
      if (looks === undefined) await this.#retry(slice)
      else this.#deliver(slice, looks)
      // Where nobody waits, too: what comes in the rest of this turn is told together.
      if (performance.now() >= until || this.#taken === this.#queue.length) until = await this.#waitForTurn()
    }
    this.#running = false
  }

  /** Waits for the next turn. Returns until when slices may be served in it, by performance.now(): one, at least. */
  async #waitForTurn(): Promise<number> {
    const before = performance.now()
    await nextTurn()
    const now = performance.now()
    const others = now - before
    const slices = (this.#queue.length - this.#taken) / SLICE
    return slices * others > SOON ? now + Math.min(LONGEST_SHARE, others * SHARE) : now
  }

  #take(): Slice {
    const members: Member[] = []
    const wakes: Wake[] = []
    for (let weight = 0; weight < SLICE && this.#taken < this.#queue.length; this.#taken++) {
      const member = this.#queue[this.#taken]
      if (member?.due === undefined) continue
      members.push(member)
      wakes.push(member.due)
      member.due = undefined
      weight += Math.max(1, member.seats.length)
    }
    if (this.#taken >= Math.min(this.#queue.length, ROOM)) {
      this.#queue.splice(0, this.#taken)
      this.#taken = 0
    }
    return { members, wakes }
  }

  #unreadable(error: unknown): undefined {
    if (this.#pause === 0) this.#options.logger.warn({ err: error }, 'the state of connected users cannot be read; trying again')
  }

  #deliver({ members, wakes }: Slice, looks: readonly Look[]): void {
    this.#pause = 0
    const now = performance.now()
    members.forEach((member, index) => {
      const look = looks[index]
      const wake = wakes[index]
      if (look !== undefined && wake !== undefined) this.#deliverTo(member, look, wake, now)
    })
  }

  /** Whatever is wrong with the state of one, the others are told theirs. */
  #deliverTo(member: Member, look: Look, wake: Wake, now: number): void {
    try {
      this.#options.deliver(member, look, wake, now)
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a connected user could not be told of a change, and has to connect again')
      this.#options.untold(member)
    }
  }

  async #retry({ members, wakes }: Slice): Promise<void> {
    members.forEach((member, index) => {
      const wake = wakes[index]
      if (wake !== undefined && member.seats.length > 0) this.add(member, wake)
    })
    for (const member of this.#queue) if (member.beatDue) this.#options.beat(member)
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, this.#pause * 2))
    await pause(this.#pause, undefined, { ref: false })
  }
}
