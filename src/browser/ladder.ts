import type { CLOSE, HelloFrame, Item, State } from '../notifications/protocol.js'
import { createBackoff } from './backoff.js'
import { type Link, openSocket, openStream } from './live.js'
import type { Answer } from './poll.js'
import type { Connection } from './state.js'

const POLL_EVERY = 30_000
const POLL_HIDDEN_EVERY = 60_000
/** On a lower rung, a better one is tried this often, however often the lower one breaks; in milliseconds. */
const CLIMB_EVERY = 60_000

/** Those of the close codes that are obeyed: `CLOSE` itself would bring all the others along. */
const RESTART: (typeof CLOSE)['restart'] = 1012
const SIGNED_OUT: (typeof CLOSE)['signedOut'] = 4401
const SLOW: (typeof CLOSE)['slow'] = 4408
const TOO_MANY: (typeof CLOSE)['tooMany'] = 4429

const RUNGS = [openSocket, openStream] as const
type Rung = 0 | 1

export interface LadderOptions {
  readonly base: string
  readonly query: string
  readonly poll: () => Promise<Answer>
  readonly offer: (state: State, latest?: Item | null) => void
  readonly version: () => number
  readonly status: (connection: Connection) => void
}

/** Keeps the state fresh by the best way that works: socket, else server-sent events, else polling. */
export class Ladder {
  readonly #to: LadderOptions
  readonly #retries = createBackoff()
  #running = false
  /** Whoever waited for an answer in an earlier turn has nothing to do with it any more. */
  #turn = 0
  #rung: Rung = 0
  #current: Link | undefined
  #candidate: Link | undefined
  #blocked = false
  #polling = false
  #spread = 10
  /** When the top rung was last tried, by performance.now(). */
  #topAt = 0
  #nextTry: ReturnType<typeof setTimeout> | undefined
  #nextPoll: ReturnType<typeof setTimeout> | undefined

  constructor(options: LadderOptions) {
    this.#to = options
  }

  start(): void {
    this.#running = true
    this.#blocked = false
    this.#rung = 0
    this.#attempt(0)
  }

  stop(): void {
    this.#running = false
    this.#drop()
  }

  /** Somebody looks: is what we know still so? */
  check(): void {
    if (!this.#running) return
    if (this.#current) this.#refresh()
    else if (this.#polling) void this.#pollNow()
    else if (!this.#candidate) this.#attempt(this.#rung)
  }

  /** The network or the machine came back: ask who we are, then begin at the top. */
  async restart(): Promise<void> {
    this.#drop()
    this.#running = true
    this.#rung = 0
    const answer = await this.#ask()
    if (answer === 'ok') this.#attempt(0)
    else if (answer) this.#unreachable()
  }

  /** The browser believes that the network went: believe it when the server can't be reached either. */
  async doubt(): Promise<void> {
    if (!this.#running || (await this.#ask()) !== 'down') return
    this.#drop()
    this.#unreachable()
  }

  /** The person acts: what waited for that is tried again. */
  act(): void {
    if (!this.#running || !this.#blocked) return
    this.#blocked = false
    this.#attempt(0)
  }

  #drop(): void {
    this.#turn++
    this.#rest()
    this.#current?.close()
    this.#candidate?.close()
    this.#current = this.#candidate = undefined
  }

  /** Nothing more is planned. */
  #rest(): void {
    clearTimeout(this.#nextTry)
    clearTimeout(this.#nextPoll)
    this.#polling = false
  }

  #signedOut(): void {
    this.stop()
    this.#to.status('signed-out')
  }

  #tryLater(on: Rung, ms: number): void {
    clearTimeout(this.#nextTry)
    this.#nextTry = setTimeout(() => this.#attempt(on), ms)
  }

  /** Asks; undefined where the answer came too late to matter, or was that nobody is signed in. */
  async #ask(): Promise<'ok' | 'down' | undefined> {
    const mine = this.#turn
    const answer = await this.#to.poll()
    if (!this.#running || mine !== this.#turn) return undefined
    if (answer !== 'signed-out') return answer
    this.#signedOut()
    return undefined
  }

  #refresh(): void {
    if (!this.#current?.sync()) void this.#ask()
  }

  #pollOn(): void {
    clearTimeout(this.#nextPoll)
    this.#nextPoll = setTimeout(() => this.#pollNow(), document.hidden ? POLL_HIDDEN_EVERY : POLL_EVERY)
  }

  async #pollNow(): Promise<void> {
    clearTimeout(this.#nextPoll)
    const answer = await this.#ask()
    if (!answer || !this.#polling) return
    this.#to.status(answer === 'ok' ? 'polling' : 'offline')
    this.#pollOn()
  }

  #fallToPolling(): void {
    this.#polling = true
    this.#to.status('polling')
    this.#pollOn()
    if (!this.#blocked) this.#tryLater(0, CLIMB_EVERY)
  }

  #unreachable(): void {
    this.#to.status('offline')
    this.#tryLater(this.#rung, this.#retries.next())
  }

  #attempt(on: Rung): void {
    clearTimeout(this.#nextTry)
    if (!on) this.#topAt = performance.now()
    this.#candidate?.close()
    const { base, query, status, offer, version } = this.#to
    if (!this.#current && !this.#polling) status('connecting')
    const link = RUNGS[on](base, query, {
      frame: (frame) => {
        if (frame.type === 'hello') {
          // First the count, then that it is live: a page that shows nothing until then would flash.
          offer(frame)
          this.#standsOn(on, link, frame)
        } else if (frame.type === 'unread') offer(frame, frame.latest ?? null)
        else if (frame.type === 'heartbeat' && frame.version > version()) this.#refresh()
      },
      end: (code) => (this.#current === link ? this.#lost(on, code) : this.#failed(on, code)),
    })
    this.#candidate = link
  }

  #standsOn(on: Rung, link: Link, { reconnectWithin }: HelloFrame): void {
    this.#candidate = undefined
    if (this.#current !== link) this.#current?.close()
    this.#current = link
    this.#rung = on
    this.#spread = reconnectWithin
    this.#rest()
    this.#retries.opened()
    if (on) this.#tryLater(0, this.#topAt + CLIMB_EVERY - performance.now())
    this.#to.status('live')
  }

  /** Whether the close code already says all: then what it says is done. */
  #obey(code: number): boolean {
    if (code === SIGNED_OUT) this.#signedOut()
    else if (code === TOO_MANY || code === SLOW) {
      this.#blocked = code === TOO_MANY
      this.#fallToPolling()
    } else return false
    return true
  }

  #lost(on: Rung, code: number): void {
    this.#current = undefined
    if (this.#obey(code)) return
    if (!this.#candidate) this.#to.status('connecting')
    this.#tryLater(on, code === RESTART ? Math.random() * this.#spread * 1000 : this.#retries.next())
  }

  async #failed(on: Rung, code: number): Promise<void> {
    this.#candidate = undefined
    if (this.#current) return this.#tryLater(0, CLIMB_EVERY)
    if (this.#obey(code)) return
    // A browser can't see why an upgrade was refused: the poll can.
    const answer = await this.#ask()
    // Meanwhile another attempt may be under way, or stand.
    if (!answer || this.#current || this.#candidate) return
    if (answer === 'down') this.#unreachable()
    else if (on) this.#fallToPolling()
    else this.#attempt(1)
  }
}
