/**
 * What goes over the wire, shared by server and browser: this module imports nothing and touches no platform.
 * The frames are those of subprotocol `belfry.v1`; server-sent events and polling carry the same state.
 */

export const SUBPROTOCOL = 'belfry.v1'

/** Longest client frame that is read, in bytes. */
export const MAX_CLIENT_FRAME = 1024

/** A user's state: the exact unread count and the version that it belongs to, within one epoch of the database. */
export interface State {
  readonly epoch: string
  readonly version: number
  readonly unread: number
}

export const LEVELS = ['info', 'success', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]

export type ItemState = 'unread' | 'read' | 'archived'

export const FILTERS = ['all', 'unread', 'archived'] as const
/** Which part of an inbox; `all` means not archived. */
export type Filter = (typeof FILTERS)[number]

/** A notification as one recipient sees it. Times are ISO 8601 in UTC; what is absent is null. */
export interface Item {
  readonly id: string
  readonly cursor: string
  readonly title: string
  readonly body: string | null
  readonly url: string | null
  readonly level: Level
  readonly category: string | null
  readonly data: unknown
  readonly state: ItemState
  /** When it came into the inbox. */
  readonly createdAt: string
  readonly readAt: string | null
  readonly expiresAt: string | null
}

/** First frame of every connection; both times in seconds. */
export interface HelloFrame extends State {
  readonly type: 'hello'
  readonly heartbeat: number
  readonly reconnectWithin: number
}

/** After any change, and as the answer to `sync`; `latest` where a notification arrived. */
export interface UnreadFrame extends State {
  readonly type: 'unread'
  readonly latest?: Item
}

export interface HeartbeatFrame {
  readonly type: 'heartbeat'
  readonly version: number
}

export type ServerFrame = HelloFrame | UnreadFrame | HeartbeatFrame

/** Close codes of our own choosing, and what a client does about each. */
export const CLOSE = {
  /** The server restarts: reconnect, jittered over `reconnectWithin`. */
  restart: 1012,
  /** Overloaded: back off. */
  overloaded: 1013,
  /** A text frame that is not JSON, or a flood of frames. */
  malformed: 1008,
  /** Binary frames mean nothing here. */
  binary: 1003,
  /** The session ended: stop, and say so. */
  signedOut: 4401,
  /** Reads too slowly: back off and poll. */
  slow: 4408,
  /** Too many connections of one user: stop until the person acts. */
  tooMany: 4429,
} as const
export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE]

/** Whether `next` should replace what was shown: another epoch always does, within one epoch only a newer version. */
export function supersedes(next: State, shown: { readonly epoch: string | undefined; readonly version: number } | undefined): boolean {
  return next.epoch !== shown?.epoch || next.version > shown.version
}

/** What a badge shows for a count: nothing for 0, the number to 99, then `99+`. */
export function badgeText(unread: number): string {
  if (unread <= 0) return ''
  return unread > 99 ? '99+' : String(unread)
}
