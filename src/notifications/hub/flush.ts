import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../logger.js'
import type { Asked, Look } from '../service.js'
import type { Member } from './member.js'
import { Wording } from './wording.js'

/** Reads the state of many users at once; answers in their order. */
export type LookUp = (asked: readonly Asked[]) => Promise<readonly Look[]>

/** Members who are served in one turn, each with when the first reason came. */
type Slice = readonly (readonly [member: Member, since: number])[]

interface FlushOptions {
  readonly look: LookUp
  readonly deliver: (member: Member, look: Look, since: number, wording: Wording) => void
  /** The state of these cannot be read now, but a heartbeat of theirs is due. */
  readonly beat: (member: Member) => void
  readonly logger: Logger
}

/** Connections served in one turn of the event loop: some 0.3 ms, so that the host's own requests never wait for a broadcast. */
const SLICE = 32
/** Between two attempts while the store cannot be read, in milliseconds. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2000

/**
 * Those whose state may have changed, each at most once, and the one reader that serves them a slice a turn. Whoever is
 * added while being read is read again: overlap repeats, a gap would lose.
 */
export class Flush {
  readonly #options: FlushOptions
  /** Member → when the first reason to read came, by performance.now(). */
  readonly #queue = new Map<Member, number>()
  #running = false
  #stopped = false
  #pause = 0

  constructor(options: FlushOptions) {
    this.#options = options
  }

  add(member: Member, since: number): void {
    if (this.#pause > 0 && member.beatDue) this.#options.beat(member)
    if (this.#queue.has(member)) return
    this.#queue.set(member, since)
    if (!this.#running) void this.#run()
  }

  delete(member: Member): void {
    this.#queue.delete(member)
  }

  stop(): void {
    this.#stopped = true
    this.#queue.clear()
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#queue.size > 0 && !this.#stopped) {
      await nextTurn()
      if (this.#stopped) break
      const slice = this.#take()
      const looks = await this.#look(slice)
      if (this.#stopped) break
      if (looks === undefined) await this.#retry(slice)
      else this.#deliver(slice, looks)
    }
    this.#running = false
  }

  #take(): Slice {
    const slice: [Member, number][] = []
    let weight = 0
    for (const entry of this.#queue) {
      const [member] = entry
      this.#queue.delete(member)
      slice.push(entry)
      weight += Math.max(1, member.seats.length)
      if (weight >= SLICE) break
    }
    return slice
  }

  async #look(slice: Slice): Promise<readonly Look[] | undefined> {
    try {
      const looks = await this.#options.look(slice.map(([member]) => member))
      this.#pause = 0
      return looks
    } catch (error) {
      if (this.#pause === 0) this.#options.logger.warn({ err: error }, 'the state of connected users cannot be read; trying again')
      return undefined
    }
  }

  #deliver(slice: Slice, looks: readonly Look[]): void {
    const wording = new Wording()
    slice.forEach(([member, since], index) => {
      const look = looks[index]
      if (look !== undefined) this.#options.deliver(member, look, since, wording)
    })
  }

  async #retry(slice: Slice): Promise<void> {
    for (const [member, since] of slice) if (member.seats.length > 0 && !this.#queue.has(member)) this.#queue.set(member, since)
    for (const member of this.#queue.keys()) if (member.beatDue) this.#options.beat(member)
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, this.#pause * 2))
    await pause(this.#pause, undefined, { ref: false })
  }
}
