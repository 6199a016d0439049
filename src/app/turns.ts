import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests of one connection may wait for the answers before theirs: who sends more ahead is cut off. */
const MOST_WAITING = 100

/** On the socket itself, where every request finds it at once. */
const ofConnection = Symbol('the line of requests')

interface Line {
  answering: ServerResponse | undefined
  readonly waiting: (() => void)[]
}

type Connection = Socket & { [ofConnection]?: Line }

/**
 * Lets the requests of one connection begin one after another, each when the answer before it has left. Node begins all that a client has sent ahead
 * at once, keeps their answers in memory until it is their turn, and tells nobody of those that the connection's end has made void: no 'close'
 * comes then, and what was opened for them stays open.
 */
export class Turns {
  /** Kept for each connection, not each request: entries that come and go by the thousand are work for the garbage collector. */
  readonly #lines = new Set<Line>()

  /** `begin` is called once it is this request's turn: at once for most, never where the connection ends before. */
  wait({ socket }: IncomingMessage, res: ServerResponse, begin: () => void): void {
    const line = this.#lineOf(socket)
    if (line.answering === undefined) start(line, res, begin)
    else if (line.waiting.length < MOST_WAITING) line.waiting.push(() => socket.destroyed || start(line, res, begin))
    else socket.destroy()
  }

  /** What has begun and is not answered yet. */
  answering(): readonly ServerResponse[] {
    return [...this.#lines].flatMap(({ answering }) => answering ?? [])
  }

  #lineOf(socket: Connection): Line {
    const known = socket[ofConnection]
    if (known !== undefined) return known
    const line: Line = { answering: undefined, waiting: [] }
    socket[ofConnection] = line
    this.#lines.add(line)
    socket.once('close', () => this.#lines.delete(line))
    return line
  }
}

function start(line: Line, res: ServerResponse, begin: () => void): void {
  line.answering = res
  res.on('close', () => {
    line.answering = undefined
    line.waiting.shift()?.()
  })
  begin()
}
