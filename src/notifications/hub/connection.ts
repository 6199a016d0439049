import type { CloseCode, HeartbeatFrame } from '../protocol.js'
import type { Outgoing } from './outgoing.js'

/** How long a peer has to answer a close before it is cut off, in milliseconds. */
export const CLOSE_WITHIN = 1500

/** One live connection, whatever carries it: a socket or an event stream. Moments are those of performance.now(). */
export interface Connection {
  readonly user: string
  /** Key of the express-session that it was opened with (a hash of its id, which is a secret). */
  readonly session: string
  /** When the peer was last heard. */
  readonly heardAt: number
  /** Bytes that were sent but not taken by the kernel yet; above 0 the peer reads more slowly than we write. */
  readonly backlog: number
  /** Never throws; after the end it does nothing. */
  send(frame: Outgoing): void
  /** Sends a heartbeat, and asks whether the peer is still there; what it hears back it keeps in `heardAt`. Never throws either. */
  beat(frame: Outgoing<HeartbeatFrame>): void
  /** It cannot be asked this time, so that nothing was heard since the last time does not count. */
  skipBeat(): void
  /** Says why and ends; a peer that does not answer is cut off soon after. */
  close(code: CloseCode): void
  /** Cuts it off at once. */
  terminate(): void
}
