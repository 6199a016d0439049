import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests of one connection may wait for the answers before theirs: who sends more ahead is cut off. */
const MOST_WAITING = 100

/** On the socket itself: every request looks here, and a WeakMap of all connections costs the garbage collector. */
const line = Symbol('requests that wait')

interface Line {
  answering: boolean
  readonly waiting: (() => void)[]
}

type Connection = Socket & { [line]?: Line }

/**
 * Lets the requests of one connection begin one after another, each when the answer before it has left. Node begins all that a client has sent ahead
 * at once, keeps their answers in memory until it is their turn, and tells nobody of those that the connection's end has made void: no 'close'
 * comes then, and what was opened for them stays open.
 */
export class Turns {
  /** What is being answered: one for each connection at most. */
  readonly begun = new Set<ServerResponse>()

  /** `begin` is called once it is this request's turn: at once for most, never where the connection ends before. */
  wait({ socket }: { readonly socket: Connection } & IncomingMessage, res: ServerResponse, begin: () => void): void {
    socket[line] ??= { answering: false, waiting: [] }
    const { answering, waiting } = socket[line]
    if (!answering) this.#begin(socket, res, begin)
    else if (waiting.length < MOST_WAITING) waiting.push(() => this.#begin(socket, res, begin))
    else socket.destroy()
  }

  #begin(socket: Connection, res: ServerResponse, begin: () => void): void {
    const here = socket[line]
    if (here === undefined || socket.destroyed) return
    here.answering = true
    this.begun.add(res)
    res.on('close', () => {
      this.begun.delete(res)
      here.answering = false
      here.waiting.shift()?.()
    })
    begin()
  }
}
