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
export interface Ladder {
  start(): void
  stop(): void
  /** Somebody looks: is what we know still so? */
  check(): void
  /** The network or the machine came back: ask who we are, then begin at the top. */
  restart(): Promise<void>
  /** The browser believes that the network went: believe it when the server can't be reached either. */
  doubt(): Promise<void>
  /** The person acts: what waited for that is tried again. */
  act(): void
}

export function createLadder({ base, query, poll, offer, version, status }: LadderOptions): Ladder {
  const retries = createBackoff()
  let running = false
  /** Whoever waited for an answer in an earlier turn has nothing to do with it any more. */
  let turn = 0
  let rung: Rung = 0
  let current: Link | undefined
  let candidate: Link | undefined
  let blocked = false
  let polling = false
  let spread = 10
  /** When the top rung was last tried, by performance.now(). */
  let topAt = 0
  let nextTry: ReturnType<typeof setTimeout> | undefined
  let nextPoll: ReturnType<typeof setTimeout> | undefined

  /** Nothing more is planned. */
  const rest = () => {
    clearTimeout(nextTry)
    clearTimeout(nextPoll)
    polling = false
  }
  const drop = () => {
    turn++
    rest()
    current?.close()
    candidate?.close()
    current = candidate = undefined
  }
  const stop = () => {
    running = false
    drop()
  }
  const signedOut = () => {
    stop()
    status('signed-out')
  }
  const tryLater = (on: Rung, ms: number) => {
    clearTimeout(nextTry)
    nextTry = setTimeout(() => attempt(on), ms)
  }
  /** Asks; undefined where the answer came too late to matter, or was that nobody is signed in. */
  const ask = async () => {
    const mine = turn
    const answer = await poll()
    if (!running || mine !== turn) return undefined
    if (answer !== 'signed-out') return answer
    signedOut()
    return undefined
  }
  const refresh = () => {
    if (!current?.sync()) void ask()
  }
  const pollOn = () => {
    clearTimeout(nextPoll)
    nextPoll = setTimeout(pollNow, document.hidden ? POLL_HIDDEN_EVERY : POLL_EVERY)
  }
  const pollNow = async () => {
    clearTimeout(nextPoll)
    const answer = await ask()
    if (!answer || !polling) return
    status(answer === 'ok' ? 'polling' : 'offline')
    pollOn()
  }
  const fallToPolling = () => {
    polling = true
    status('polling')
    pollOn()
    if (!blocked) tryLater(0, CLIMB_EVERY)
  }
  const unreachable = () => {
    status('offline')
    tryLater(rung, retries.next())
  }

  const attempt = (on: Rung) => {
    clearTimeout(nextTry)
    if (!on) topAt = performance.now()
    candidate?.close()
    if (!current && !polling) status('connecting')
    const link = RUNGS[on](base, query, {
      frame: (frame) => {
        if (frame.type === 'hello') {
          // First the count, then that it is live: a page that shows nothing until then would flash.
          offer(frame)
          standsOn(on, link, frame)
        } else if (frame.type === 'unread') offer(frame, frame.latest ?? null)
        else if (frame.type === 'heartbeat' && frame.version > version()) refresh()
      },
      end: (code) => (current === link ? lost(on, code) : failed(on, code)),
    })
    candidate = link
  }
  const standsOn = (on: Rung, link: Link, { reconnectWithin }: HelloFrame) => {
    candidate = undefined
    if (current !== link) current?.close()
    current = link
    rung = on
    spread = reconnectWithin
    rest()
    retries.opened()
    if (on) tryLater(0, topAt + CLIMB_EVERY - performance.now())
    status('live')
  }
  /** Whether the close code already says all: then what it says is done. */
  const obey = (code: number) => {
    if (code === SIGNED_OUT) signedOut()
    else if (code === TOO_MANY || code === SLOW) {
      blocked = code === TOO_MANY
      fallToPolling()
    } else return false
    return true
  }
  const lost = (on: Rung, code: number) => {
    current = undefined
    if (obey(code)) return
    if (!candidate) status('connecting')
    tryLater(on, code === RESTART ? Math.random() * spread * 1000 : retries.next())
  }
  const failed = async (on: Rung, code: number) => {
    candidate = undefined
    if (current) return tryLater(0, CLIMB_EVERY)
    if (obey(code)) return
    // A browser can't see why an upgrade was refused: the poll can.
    const answer = await ask()
    // Meanwhile another attempt may be under way, or stand.
    if (!answer || current || candidate) return
    if (answer === 'down') unreachable()
    else if (on) fallToPolling()
    else attempt(1)
  }

  return {
    start() {
      running = true
      blocked = false
      rung = 0
      attempt(0)
    },
    stop,
    check() {
      if (!running) return
      if (current) refresh()
      else if (polling) void pollNow()
      else if (!candidate) attempt(rung)
    },
    async restart() {
      drop()
      running = true
      rung = 0
      const answer = await ask()
      if (answer === 'ok') attempt(0)
      else if (answer) unreachable()
    },
    async doubt() {
      if (!running || (await ask()) !== 'down') return
      drop()
      unreachable()
    },
    act() {
      if (!running || !blocked) return
      blocked = false
      attempt(0)
    },
  }
}
