import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Request } from 'express'
import { type BelfryError, NotFoundError } from '../errors.js'
import { hush, SocketConnection, type SocketEvents } from '../hub/socket.js'
import type { Person } from '../person.js'
import { within } from '../within.js'
import type { HttpContext } from './context.js'
import { openDoor } from './door.js'
import { checkHandshake, handshakeAnswer } from './handshake.js'
import { loadSession } from './load-session.js'
import { allowedOrigin, asExpressRequest } from './origin.js'
import { problemOf } from './problem.js'
import { noteRefusal, Refusal, refusalOf } from './refusal.js'
import { Turnstile } from './turnstile.js'
import { visitOnce } from './visit.js'

/** From the request to the answer, whatever session store and `identify` do, in milliseconds. */
const ANSWER_WITHIN = 600
/** From the request to the end of a refused socket, whatever the peer does, in milliseconds. */
const GONE_WITHIN = 750
/** How long a peer has to take the answer and let go by itself, in milliseconds. */
const LINGER = 250

interface Upgrade {
  readonly req: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  /** When it came in, by performance.now(). */
  readonly since: number
}

interface Doorkeeper {
  readonly context: HttpContext
  readonly events: SocketEvents
}

/**
 * Opens the live connection on the app's own server: the upgrade of `<basePath>/socket`, behind the app's session. What is
 * refused is answered over HTTP and gone within a second. Returns what undoes it; open connections are the hub's.
 */
export function attachUpgrade(server: Server, context: HttpContext): () => void {
  const { hub, sessions, options } = context
  const events: SocketEvents = {
    sync: (connection) => hub.sync(connection),
    left(connection) {
      hub.leave(connection)
      sessions.unwatch(connection.session)
    },
  }
  const keeper = { context, events }
  const turnstile = new Turnstile((upgrade: Upgrade) => void admit(upgrade, keeper))
  const answer = (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    hush(socket)
    turnstile.pass({ req, socket, head, since: performance.now() })
  }
  const otherwise = (_req: IncomingMessage, socket: Duplex) => {
    hush(socket)
    refuse(socket, new NotFoundError('Nothing is upgraded here.'), performance.now())
  }
  return openDoor(server, `${options.basePath}/socket`, answer, otherwise)
}

async function admit(upgrade: Upgrade, keeper: Doorkeeper): Promise<void> {
  const { req, socket, since } = upgrade
  const { options, hub, hints } = keeper.context
  try {
    if (!allowedOrigin(req, options)) throw new Refusal('origin')
    checkHandshake(req)
    const asked = asExpressRequest(req, options)
    const person = await within(ANSWER_WITHIN, callerOf(asked, keeper.context), 'It took too long to find out who is there.')
    const full = hub.refusal(person.id)
    if (full !== undefined) throw new Refusal(full)
    open(upgrade, asked, person, keeper)
  } catch (error) {
    const refusal = refusalOf(error)
    hints.refused(refusal.reason, req)
    noteRefusal(refusal, keeper.context)
    refuse(socket, refusal, since)
  }
}

async function callerOf(req: Request, context: HttpContext): Promise<Person> {
  await loadSession(req, context.options.session)
  const visit = await visitOnce(context, req)
  if (visit === null) throw new Refusal('session')
  return visit.person
}

function open({ req, socket, head, since }: Upgrade, asked: Request, person: Person, { context, events }: Doorkeeper): void {
  if (!socket.readable || !socket.writable) {
    socket.destroy()
    return
  }
  const session = context.sessions.watch(asked, person.id, since)
  // What the host allows its requests, in idleness and in small packets, is not for sockets.
  if (socket instanceof Socket) socket.setTimeout(0).setNoDelay(true)
  // Handshake and greeting leave together, and with those of others who come at the same time.
  socket.cork()
  socket.write(handshakeAnswer(req), 'latin1')
  if (head.length > 0) socket.unshift(head)
  context.hub.join(new SocketConnection(socket, { user: person.id, session }, events), person, since)
  void context.departure.next().then(() => socket.uncork())
}

function refuse(socket: Duplex, error: BelfryError, since: number): void {
  const body = JSON.stringify(problemOf(error))
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
  ]
  if (error.retryAfter !== undefined) head.push(`Retry-After: ${error.retryAfter}`)
  if (error.status === 400) head.push('Sec-WebSocket-Version: 13')
  // Destroyed right after the write, with bytes of the peer unread, the answer itself would be lost in a reset.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.resume()
  setTimeout(() => socket.destroy(), Math.min(LINGER, Math.max(50, GONE_WITHIN - (performance.now() - since)))).unref()
}
