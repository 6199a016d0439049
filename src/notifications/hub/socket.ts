import type { Duplex } from 'node:stream'
import { CLOSE, type CloseCode, type HeartbeatFrame } from '../protocol.js'
import { CLOSE_WITHIN, type Connection } from './connection.js'
import { closeFrame, pingFrame, pongFrame, shortFrame } from './frames.js'
import type { Outgoing } from './outgoing.js'
import { createReceiver, type FrameListener } from './receiver.js'

/** What a socket tells about itself; one object for all of them. */
export interface SocketEvents {
  sync(connection: Connection): void
  left(connection: Connection): void
}

/** Who is at the other end. */
export interface Caller {
  readonly user: string
  readonly session: string
}

/** More frames than this in ten seconds, pings included, are a flood: nothing that a client of ours would send. */
const FLOOD = 1000
const FLOOD_WINDOW = 10_000

const CONNECTION = Symbol('connection')
const UNANSWERED = Symbol('unanswered ping')

type Carrier = Duplex & { [CONNECTION]?: SocketConnection; [UNANSWERED]?: Buffer | undefined }

/**
 * One WebSocket, from after its handshake to its end. It keeps next to nothing while it is idle: what ws needs to read frames is made when something
 * comes that is not one short frame.
 */
export class SocketConnection implements Connection, FrameListener {
  readonly user: string
  readonly session: string
  /** In whole milliseconds: a fraction would cost each connection an object of its own. */
  heardAt = Math.trunc(performance.now())
  readonly #socket: Duplex
  readonly #events: SocketEvents
  /** No close was sent yet. */
  #open = true
  /** Nothing more that comes is of interest. */
  #deaf = false
  #receiver: ReturnType<typeof createReceiver> | undefined
  #cutOff: NodeJS.Timeout | undefined
  #frames = 0
  #countedFrom = 0

  constructor(socket: Duplex, { user, session }: Caller, events: SocketEvents) {
    this.user = user
    this.session = session
    this.#socket = socket
    this.#events = events
    // Bound to each socket they would cost more memory than all else that we keep of it.
    ;(socket as Carrier)[CONNECTION] = this
    socket.on('data', onData).on('close', onClose)
    // When the peer ends without a word, so do we.
    socket.allowHalfOpen = false
  }

  get backlog(): number {
    return this.#socket.writableLength
  }

  send(frame: Outgoing): void {
    if (this.#open) this.#socket.write(frame.latin1, 'latin1')
  }

  /** Both in one write: two would be two packets, each of which wakes whoever is at the other end. */
  beat(frame: Outgoing<HeartbeatFrame>): void {
    if (this.#open) this.#socket.write(frame.latin1 + pingFrame, 'latin1')
  }

  skipBeat(): void {
    this.heardAt = Math.trunc(performance.now())
  }

  close(code: CloseCode): void {
    this.#close(code)
  }

  terminate(): void {
    this.#open = false
    this.#socket.destroy()
  }

  read(bytes: Buffer): void {
    if (this.#deaf) return
    const frame = this.#receiver === undefined ? shortFrame(bytes) : undefined
    if (frame === undefined) this.#receive(bytes)
    else if (frame.kind === 'text') this.message(frame.payload, false)
    else if (frame.kind === 'ping') this.ping(frame.payload)
    else this.pong()
  }

  message(data: Buffer, isBinary: boolean): void {
    this.#heard()
    if (!this.#open) return
    const type = isBinary ? undefined : typeOf(String(data))
    if (isBinary) this.close(CLOSE.binary)
    else if (type === undefined) this.close(CLOSE.malformed)
    else if (type === 'sync') this.#events.sync(this)
  }

  ping(data: Buffer): void {
    this.#heard()
    this.answer(data)
  }

  /** Who asks and does not read would fill our memory with answers: to answer the last is enough (RFC 6455, section 5.5.3). */
  answer(ping: Buffer): void {
    const carrier = this.#socket as Carrier
    if (!this.#open) return
    if (!carrier.writableNeedDrain) carrier.write(pongFrame(ping))
    else {
      if (carrier[UNANSWERED] === undefined) carrier.once('drain', onDrain)
      carrier[UNANSWERED] = ping
    }
  }

  pong(): void {
    this.#heard()
  }

  concluded(code: number | undefined): void {
    this.#deaf = true
    this.#close(code)
    this.#socket.end()
    // Of a receiver that failed nothing is drained, and who is not read to the end cannot read why, nor let go.
    this.#socket.resume()
  }

  drained(): void {
    this.#socket.resume()
  }

  left(): void {
    this.#open = false
    clearTimeout(this.#cutOff)
    this.#events.left(this)
  }

  #receive(bytes: Buffer): void {
    this.#receiver ??= createReceiver(this)
    if (!this.#receiver.write(bytes)) this.#socket.pause()
  }

  #close(code: number | undefined): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.write(closeFrame(code))
    this.#cutOff = setTimeout(() => this.terminate(), CLOSE_WITHIN)
  }

  /** Any frame of the client's; a flood of them ends the connection. */
  #heard(): void {
    const now = Math.trunc(performance.now())
    this.heardAt = now
    if (now - this.#countedFrom > FLOOD_WINDOW) {
      this.#countedFrom = now
      this.#frames = 0
    }
    if (++this.#frames > FLOOD) this.close(CLOSE.malformed)
  }
}

function onData(this: Carrier, bytes: Buffer): void {
  this[CONNECTION]?.read(bytes)
}

function onDrain(this: Carrier): void {
  const ping = this[UNANSWERED]
  this[UNANSWERED] = undefined
  if (ping !== undefined) this[CONNECTION]?.answer(ping)
}

function onClose(this: Carrier): void {
  this[CONNECTION]?.left()
}

/** A reset at any moment is the peer's affair; `close` follows, and there we clean up. */
function ignore(): void {}

/** Silences a raw socket before anything else happens to it: an unheard `error` would end the process. Twice is as good as once. */
export function hush(socket: Duplex): void {
  socket.off('error', ignore).on('error', ignore)
}

/** The `type` of a client's frame; undefined where it is not a frame at all. */
function typeOf(text: string): string | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    const type: unknown = typeof frame === 'object' && frame !== null ? Reflect.get(frame, 'type') : undefined
    return typeof type === 'string' ? type : undefined
  } catch {
    return undefined
  }
}
