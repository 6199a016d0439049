import { ServerResponse } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import { CLOSE_WITHIN, type Connection } from '../hub/connection.js'
import type { Outgoing } from '../hub/outgoing.js'
import { REMEMBERED } from '../hub/recent-endings.js'
import { within } from '../within.js'
import type { HttpContext } from './context.js'
import { allowedOrigin } from './origin.js'
import { sendProblem } from './problem.js'
import { noteRefusal, Refusal, refusalOf } from './refusal.js'
import { ensureSaved, leaveSessionAlone } from './stored-session.js'
import { isStillThere, type Visit, visitOf } from './visit.js'

/** How long `identify` has, from the request on, in milliseconds: less than the time for which what has ended is remembered. */
const IDENTIFY_WITHIN = REMEMBERED - 2000

/**
 * The frames of the socket as server-sent events, for where sockets cannot go: `event` is the type of the frame, `data` the
 * frame as JSON, `id` epoch and version. Counts as a connection, and ends when the session does.
 */
export function createStream(context: HttpContext): RequestHandler {
  return (req, res) => {
    const arrived = context.sessions.arriving()
    admit(req, context)
      .then((visit) => open(req, res, visit, context))
      .catch((error: unknown) => refuse(res, refusalOf(error), context))
      .finally(arrived)
  }
}

async function admit(req: Request, context: HttpContext): Promise<Visit> {
  if (req.headers.origin !== undefined && !allowedOrigin(req, context.options)) throw new Refusal('origin')
  return within(IDENTIFY_WITHIN, callerOf(req, context), 'It took too long to find out who is there.')
}

/** The session was read before the host did whatever it does with every request, and by now may be somebody else's. */
async function callerOf(req: Request, context: HttpContext): Promise<Visit> {
  const visit = await visitOf(context, req)
  if (visit !== null) await ensureSaved(req)
  if (visit === null || !(await isStillThere(context, req, visit))) throw new Refusal('session')
  return visit
}

function refuse(res: Response, refusal: Refusal, context: HttpContext): void {
  noteRefusal(refusal, context)
  if (res.headersSent) res.destroy()
  else sendProblem(res, refusal)
}

function open(req: Request, res: Response, { person, since }: Visit, { hub, sessions, options }: HttpContext): void {
  if (res.destroyed) return
  // Behind another answer on the same connection nothing would arrive, and Node would not tell of its end.
  if (res.socket === null) throw new Refusal('protocol')
  // In the same turn as it joins: of many who were let in together none is counted yet.
  const full = hub.refusal(person.id)
  if (full !== undefined) throw new Refusal(full)
  // Before the head is written: then express-session counts the session as extended, which by a stream it never is.
  const session = sessions.watch(req, person.id, since)
  // It was read before the host did whatever it does with every request, and asked who it is.
  sessions.doubt(session)
  res.on('close', () => sessions.unwatch(session))
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'private, no-cache, no-transform',
    'X-Accel-Buffering': 'no',
    Connection: 'close',
  })
  if (req.method === 'HEAD') {
    leaveSessionAlone(req)
    res.end()
    return
  }
  const connection = new StreamConnection(res, { user: person.id, session })
  res.on('error', () => {})
  res.on('close', () => hub.leave(connection))
  // Everybody who is cut off by a restart would else come back in the same instant.
  res.write(`retry: ${Math.round(1000 + Math.random() * options.reconnectWithin * 1000)}\n\n`)
  hub.join(connection, person, since)
}

/** One event stream. */
class StreamConnection implements Connection {
  readonly user: string
  readonly session: string
  readonly #res: ServerResponse

  constructor(res: ServerResponse, { user, session }: { user: string; session: string }) {
    this.user = user
    this.session = session
    this.#res = res
  }

  get backlog(): number {
    return this.#res.writableLength
  }

  /** An event stream never answers: whether it takes what it is sent is all that can be known. */
  get heardAt(): number {
    return performance.now()
  }

  send({ frame, epoch, text }: Outgoing): void {
    if (this.#res.writableEnded || this.#res.destroyed) return
    this.#res.write(`event: ${frame.type}\nid: ${epoch}-${frame.version}\ndata: ${text}\n\n`)
  }

  beat(frame: Outgoing): void {
    this.send(frame)
  }

  skipBeat(): void {}

  close(): void {
    if (this.#res.writableEnded) return
    // The session middleware has put an end() of its own on the response, which would extend the session that we are ending.
    ServerResponse.prototype.end.call(this.#res, undefined, 'utf8')
    setTimeout(() => this.terminate(), CLOSE_WITHIN).unref()
  }

  terminate(): void {
    this.#res.destroy()
  }
}
