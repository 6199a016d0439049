import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests of one connection may wait for the answers before theirs: who sends more ahead is cut off. */
const MOST_WAITING = 100

/**
 * Lets the requests of one connection begin one after another, each when the answer before it has left. Node begins all that a client has sent ahead
 * at once, keeps their answers in memory until it is their turn, and tells nobody of those that the connection's end has made void: no 'close'
 * comes then, and what was opened for them stays open.
 */
export class Turns {
  readonly #lines = new WeakMap<Socket, (() => void)[]>()

  /** `begin` is called once it is this request's turn: at once for most, never where the connection ends before. */
  wait({ socket }: IncomingMessage, res: ServerResponse, begin: () => void): void {
    const line = this.#lines.get(socket)
    const turn = () => {
      res.once('close', () => this.#next(socket))
      begin()
    }
    if (line === undefined) {
      this.#lines.set(socket, [])
      turn()
    } else if (line.length < MOST_WAITING) line.push(turn)
    else socket.destroy()
  }

  #next(socket: Socket): void {
    const turn = this.#lines.get(socket)?.shift()
    if (turn === undefined) this.#lines.delete(socket)
    else if (!socket.destroyed) turn()
  }
}
