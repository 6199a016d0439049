import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppRequests } from './app-requests.js'

type Answer = (req: IncomingMessage, socket: Duplex, head: Buffer) => void

/** By server: our paths and who answers there. */
const doors = new WeakMap<Server, Door>()

/**
 * Takes the upgrades of one path on a server that may have other upgrade listeners, theirs stay theirs. What is
 * nobody's gets `otherwise`. Returns what undoes it.
 */
export function openDoor(server: Server, path: string, answer: Answer, otherwise: Answer): () => void {
  const door = doors.get(server) ?? new Door(server, otherwise)
  doors.set(server, door)
  door.paths.set(path, answer)
  return () => {
    door.paths.delete(path)
    if (door.paths.size > 0) return
    door.close()
    doors.delete(server)
  }
}

/** One listener for all of ours on a server: two would each leave a stranger's upgrade to the other. */
class Door {
  readonly paths = new Map<string, Answer>()
  readonly close: () => void

  constructor(server: Server, otherwise: Answer) {
    const strangers: Answer = (req, socket, head) => {
      if (server.listenerCount('upgrade') === 1) otherwise(req, socket, head)
    }
    // Some servers on the same port (that of ws, told a path) refuse whatever is not theirs: of ours they must not hear.
    const emit = server.emit as (event: string, ...args: unknown[]) => boolean
    const requests = new AppRequests(server)
    const emitOthers = (event: string, ...args: unknown[]) => {
      if (event === 'upgrade' && this.#answer(...(args as Parameters<Answer>))) return true
      if (event !== 'request') requests.release(args[0])
      return emit.call(server, event, ...args)
    }
    server.emit = emitOthers
    server.on('upgrade', strangers)
    this.close = () => {
      requests.close()
      server.off('upgrade', strangers)
      if (server.emit === emitOthers) server.emit = emit
    }
  }

  /** Whether it was ours. */
  #answer(...[req, socket, head]: Parameters<Answer>): boolean {
    const answer = this.paths.get(pathOf(req))
    answer?.(req, socket, head)
    return answer !== undefined
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
