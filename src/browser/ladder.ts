import { CLOSE, type HelloFrame, type Item, type State } from '../notifications/protocol.js'
import { createBackoff } from './backoff.js'
import { type Link, openSocket, openStream } from './live.js'
import type { Answer } from './poll.js'
import type { Connection } from './state.js'

const POLL_EVERY = 30_000
const POLL_HIDDEN_EVERY = 60_000
/** On a lower rung, a better one is tried this often, in milliseconds. */
const CLIMB_EVERY = 60_000

const RUNGS = [openSocket, openStream] as const
type Rung = 0 | 1

export interface LadderOptions {
  readonly base: string
  readonly query: string
  readonly poll: () => Promise<Answer>
  readonly offer: (state: State, latest?: Item) => void
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
  let turn = 0
  let rung: Rung = 0
  let current: Link | undefined
  let candidate: Link | undefined
  let blocked = false
  let polling = false
  let spread = 10
  let nextTry: ReturnType<typeof setTimeout> | undefined
  let nextPoll: ReturnType<typeof setTimeout> | undefined

  const drop = () => {
    turn++
    clearTimeout(nextTry)
    clearTimeout(nextPoll)
    current?.close()
    candidate?.close()
    current = candidate = undefined
    polling = false
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
  const ask = async (): Promise<'ok' | 'down' | undefined> => {
    const mine = turn
    const answer = await poll()
    if (!running || mine !== turn) return undefined
    if (answer !== 'signed-out') return answer
    signedOut()
    return undefined
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
    candidate?.close()
    if (!current && !polling) status('connecting')
    let greeted = false
    const link = RUNGS[on](base, query, {
      frame(frame) {
        if (frame.type === 'hello') {
          greeted = true
          standsOn(on, link, frame)
          offer(frame)
        } else if (frame.type === 'unread') offer(frame, frame.latest)
        else if (frame.type === 'heartbeat' && frame.version > version()) refresh()
      },
      end: (code) => (greeted ? lost(on, code) : failed(on, code)),
    })
    candidate = link
  }
  const standsOn = (on: Rung, link: Link, { reconnectWithin }: HelloFrame) => {
    candidate = undefined
    if (current !== link) current?.close()
    current = link
    rung = on
    spread = reconnectWithin
    polling = false
    clearTimeout(nextPoll)
    clearTimeout(nextTry)
    retries.opened()
    if (on > 0) tryLater(0, CLIMB_EVERY)
    status('live')
  }
  /** Whether the close code already says all: then what it says is done. */
  const obey = (code: number): boolean => {
    if (code === CLOSE.signedOut) signedOut()
    else if (code === CLOSE.tooMany || code === CLOSE.slow) {
      blocked = code === CLOSE.tooMany
      fallToPolling()
    } else return false
    return true
  }
  const lost = (on: Rung, code: number) => {
    current = undefined
    if (obey(code)) return
    if (!candidate) status('connecting')
    tryLater(on, code === CLOSE.restart ? Math.random() * spread * 1000 : retries.next())
  }
  const failed = async (on: Rung, code: number) => {
    candidate = undefined
    if (current) return tryLater(0, CLIMB_EVERY)
    if (obey(code)) return
    // A browser can't see why an upgrade was refused: the poll can.
    const answer = await ask()
    if (answer === 'down') unreachable()
    else if (answer && on === 0) attempt(1)
    else if (answer) fallToPolling()
  }
  const refresh = () => {
    if (!current?.sync()) void ask()
  }

  return {
    start() {
      running = true
      blocked = false
      rung = 0
      attempt(rung)
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
