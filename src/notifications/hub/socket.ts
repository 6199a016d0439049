import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { CLOSE, type CloseCode, type HeartbeatFrame, MAX_CLIENT_FRAME, SUBPROTOCOL } from '../protocol.js'
import type { Connection } from './connection.js'
import type { Outgoing } from './outgoing.js'

/** What a socket tells about itself; one object for all of them. */
export interface SocketEvents {
  sync(connection: Connection): void
  left(connection: Connection): void
}

/** Who is at the other end, and since when. */
export interface Caller {
  readonly user: string
  readonly session: string
  readonly since: number
}

/** More frames than this in ten seconds, pings included, are a flood: nothing that a client of ours would send. */
const FLOOD = 1000
const FLOOD_WINDOW = 10_000

/** A WebSocket that tells its connection what happens. Five listeners a socket would cost more memory than all else that we keep of it. */
class Peer extends WebSocket {
  connection: SocketConnection | undefined

  /** An `error` without a listener would be thrown; a reset at any moment is the peer's affair: `close` follows, and there we clean up. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') this.connection?.received(args[0] as RawData, args[1] === true)
    else if (event === 'ping' || event === 'pong') this.connection?.heard()
    else if (event === 'close') this.connection?.left()
    return event === 'error' || super.emit(event, ...args)
  }
}

/** Speaks WebSocket on sockets that an HTTP server has upgraded. */
export function createSocketServer() {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_CLIENT_FRAME,
    // With ws's own limits a peer that dribbles fragments is never closed.
    maxFragments: 16,
    maxBufferedChunks: 16,
    closeTimeout: 1500,
    handleProtocols: () => SUBPROTOCOL,
    WebSocket: Peer,
  }
  return new WebSocketServer<typeof Peer>(options)
}

/** One socket. */
export class SocketConnection implements Connection {
  readonly user: string
  readonly session: string
  readonly since: number
  heardAt: number
  readonly #peer: Peer
  readonly #socket: Duplex
  readonly #events: SocketEvents
  #frames = 0
  #countedFrom = 0

  /** @param socket what `peer` speaks over */
  constructor(peer: Peer, socket: Duplex, { user, session, since }: Caller, events: SocketEvents) {
    this.user = user
    this.session = session
    this.since = since
    this.heardAt = performance.now()
    this.#peer = peer
    this.#socket = socket
    this.#events = events
    peer.connection = this
  }

  get backlog(): number {
    return this.#socket.writableLength
  }

  /** Past ws, which would frame and copy the same text once more for each socket; without compression its own frames are written as whole. */
  send(frame: Outgoing): void {
    if (this.#peer.readyState === WebSocket.OPEN) this.#socket.write(frame.bytes)
  }

  beat(frame: Outgoing<HeartbeatFrame>): void {
    this.send(frame)
    if (this.#peer.readyState === WebSocket.OPEN) this.#peer.ping()
  }

  close(code: CloseCode): void {
    this.#peer.close(code)
  }

  terminate(): void {
    this.#peer.terminate()
  }

  /** Any frame of the client's; a flood of them ends the connection. */
  heard(): void {
    const now = performance.now()
    this.heardAt = now
    if (now - this.#countedFrom > FLOOD_WINDOW) {
      this.#countedFrom = now
      this.#frames = 0
    }
    if (++this.#frames > FLOOD) this.close(CLOSE.malformed)
  }

  received(data: RawData, isBinary: boolean): void {
    this.heard()
    if (this.#peer.readyState !== WebSocket.OPEN) return
    const type = isBinary ? undefined : typeOf(String(data))
    if (isBinary) this.close(CLOSE.binary)
    else if (type === undefined) this.close(CLOSE.malformed)
    else if (type === 'sync') this.#events.sync(this)
  }

  left(): void {
    this.#events.left(this)
  }
}

/** A reset at any moment is the peer's affair; `close` follows, and there we clean up. */
function ignore(): void {}

/** Silences a raw socket before anything else happens to it: an unheard `error` would end the process. */
export function hush(socket: Duplex): void {
  socket.on('error', ignore)
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
