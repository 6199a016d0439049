import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Request } from 'express'
import { hush, SocketConnection, type SocketEvents } from '../hub/socket.js'
import type { Person } from '../person.js'
import { within } from '../within.js'
import type { HttpContext } from './context.js'
import { openDoor } from './door.js'
import { checkHandshake, handshakeAnswer } from './handshake.js'
import { loadSession } from './load-session.js'
import { allowedOrigin, asExpressRequest } from './origin.js'
import { noteRefusal, Refusal, refusalOf } from './refusal.js'
import { refuseSocket } from './refuse-socket.js'
import { ensureSaved } from './stored-session.js'
import { Turnstile } from './turnstile.js'
import { newVisit } from './visit.js'

/** How long session store and `identify` have together, in milliseconds, from when it was let through the turnstile. */
const IDENTIFY_WITHIN = 2000

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
 * refused is answered over HTTP and gone soon after. Returns what undoes it; open connections are the hub's.
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
  return openDoor(server, `${options.basePath}/socket`, answer)
}

async function admit(upgrade: Upgrade, keeper: Doorkeeper): Promise<void> {
  const { req, socket, since } = upgrade
  const { options, hub, hints, sessions } = keeper.context
  const arrived = sessions.arriving()
  try {
    if (!allowedOrigin(req, options)) throw new Refusal('origin')
    checkHandshake(req)
    const asked = asExpressRequest(req, options)
    const person = await within(IDENTIFY_WITHIN, callerOf(asked, keeper.context), 'It took too long to find out who is there.')
    const full = hub.refusal(person.id)
    if (full !== undefined) throw new Refusal(full)
    open(upgrade, asked, person, keeper)
  } catch (error) {
    const refusal = refusalOf(error)
    hints.refused(refusal.reason, req)
    noteRefusal(refusal, keeper.context)
    refuseSocket(socket, refusal, since)
  } finally {
    arrived()
  }
}

async function callerOf(req: Request, context: HttpContext): Promise<Person> {
  await loadSession(req, context.options.session)
  // Their state is not needed here; but to ask for it records their topics.
  const visit = await newVisit(context, req)
  if (visit === null) throw new Refusal('session')
  await ensureSaved(req)
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
