import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

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
    server.off('upgrade', door.upgrade)
    doors.delete(server)
  }
}

/** One listener for all of ours on a server: two would each leave a stranger's upgrade to the other. */
class Door {
  readonly paths = new Map<string, Answer>()
  readonly upgrade: Answer

  constructor(server: Server, otherwise: Answer) {
    this.upgrade = (req, socket, head) => {
      const answer = this.paths.get(pathOf(req))
      if (answer !== undefined) answer(req, socket, head)
      else if (server.listenerCount('upgrade') === 1) otherwise(req, socket, head)
    }
    server.on('upgrade', this.upgrade)
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
