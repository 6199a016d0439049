import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { NotFoundError } from '../errors.js'
import { hush } from '../hub/socket.js'
import { AppRequests } from './app-requests.js'
import { refuseSocket } from './refuse-socket.js'

type Answer = (req: IncomingMessage, socket: Duplex, head: Buffer) => void

/** By server: our paths and who answers there. */
const doors = new WeakMap<Server, Door>()

/**
 * Takes the upgrades of one path on a server, and leaves those of other paths to its other upgrade listeners. Where there are none, a WebSocket is refused
 * with 404, and a request that only offers another protocol is answered like any other. Returns what undoes it.
 */
export function openDoor(server: Server, path: string, answer: Answer): () => void {
  const door = doors.get(server) ?? new Door(server)
  doors.set(server, door)
  door.paths.set(path, answer)
  return () => {
    // Another of ours may have taken the path over since.
    if (door.paths.get(path) === answer) door.paths.delete(path)
    if (door.paths.size > 0 || doors.get(server) !== door) return
    door.close()
    doors.delete(server)
  }
}

/** One listener for all of ours on a server: two would each leave a stranger's upgrade to the other. */
class Door {
  readonly paths = new Map<string, Answer>()
  readonly close: () => void

  constructor(server: Server) {
    const strangers: Answer = (req, socket, head) => {
      if (server.listenerCount('upgrade') > 1) return
      afterAnswers(socket, () => {
        if (/\bwebsocket\b/i.test(req.headers.upgrade ?? '')) refuseStranger(socket)
        else if (isCutShort(req, server)) socket.end(TOO_LARGE)
        else beginAnew(server, req, socket, head)
      })
    }
    // Some servers on the same port (that of ws, told a path) refuse whatever is not theirs: of ours they must not hear.
    const emit = server.emit as (event: string, ...args: unknown[]) => boolean
    // Here, as nowhere else is every event seen before anybody else hears of it.
    const requests = new AppRequests(server)
    const emitUnlessOurs = (event: string, ...args: unknown[]) => {
      if (event === 'upgrade' && this.#answer(...(args as Parameters<Answer>))) return true
      if (event !== 'request') requests.release(args[0])
      return emit.call(server, event, ...args)
    }
    server.emit = emitUnlessOurs
    server.on('upgrade', strangers)
    this.close = () => {
      requests.close()
      server.off('upgrade', strangers)
      if (server.emit === emitUnlessOurs) server.emit = emit
    }
  }

  /** Whether it was ours. */
  #answer(...[req, socket, head]: Parameters<Answer>): boolean {
    const answer = this.paths.get(pathOf(req))
    if (answer !== undefined) afterAnswers(socket, () => answer(req, socket, head))
    return answer !== undefined
  }
}

/**
 * Node hands an upgrade over at once, even one that was sent ahead: what was asked before on the same connection would then be answered in the midst of
 * the frames, and what is begun anew would never be. So it waits until all that has left; where the connection ends before, it is nobody's.
 */
function afterAnswers(socket: Duplex, go: () => void): void {
  // Node's own mark for the answer whose turn it is.
  const answer: unknown = Reflect.get(socket, '_httpMessage')
  if (!(answer instanceof ServerResponse)) {
    go()
    return
  }
  hush(socket)
  answer.once('close', () => {
    if (!socket.destroyed) afterAnswers(socket, go)
  })
}

function refuseStranger(socket: Duplex): void {
  hush(socket)
  refuseSocket(socket, new NotFoundError('Nothing is upgraded here.'), performance.now())
}

const OFFERS = ['upgrade', 'http2-settings']

/** What Node takes of a head unless `maxHeadersCount` says otherwise: a thousand names, each with its value. */
const TAKEN = 2000
const TOO_LARGE = 'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** Of more headers than it takes, Node drops the rest without a word: the length of the body may be among them, and a body without one would be read as the next request. */
function isCutShort({ rawHeaders }: IncomingMessage, { maxHeadersCount }: Server): boolean {
  const taken = maxHeadersCount === null ? TAKEN : 2 * maxHeadersCount
  return taken > 0 && rawHeaders.length >= taken
}

/**
 * With somebody listening for upgrades, Node takes every request that offers another protocol for one (curl --http2 and Java's HttpClient offer h2c).
 * Nobody here speaks that, so the offer is passed over (RFC 9110, section 7.8), by beginning the same request without it.
 */
function beginAnew(server: Server, { method, url, httpVersion, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (name.toLowerCase() === 'connection') lines.push(`${name}: ${withoutOffers(value)}`)
    else if (!OFFERS.includes(name.toLowerCase())) lines.push(`${name}: ${value}`)
  }
  // Behind an answer Node allows a connection to be idle for so long, and would go on counting while this one is given.
  if (socket instanceof Socket) socket.setTimeout(0)
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}

function withoutOffers(tokens: string): string {
  const kept = tokens.split(',').filter((token) => !OFFERS.includes(token.trim().toLowerCase()))
  return kept.join(',')
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
