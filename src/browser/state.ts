import { type Item, type State, supersedes } from '../notifications/protocol.js'

/**
 * How the page hears of changes: `live` by socket or server-sent events, `polling` by asking; `offline` while the server
 * can't be reached; `signed-out` when the session is over, which is final for the page until somebody signs in again.
 */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline' | 'signed-out'

/** What a client knows at one moment. The same object until something changes. */
export interface Snapshot {
  /** The newest state; undefined until the first one is known. */
  readonly state: State | undefined
  readonly connection: Connection
  /** The notification that arrived last while the page was open. */
  readonly latest: Item | undefined
}

export interface Store {
  getSnapshot(): Snapshot
  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void
  /** Takes a state over if it is newer than what is shown; says whether it was. Counts are never added up. */
  offer(state: State, latest?: Item): boolean
  connection(connection: Connection): void
}

export function createStore(state?: State): Store {
  const listeners = new Set<() => void>()
  let snapshot: Snapshot = { state, connection: 'connecting', latest: undefined }
  const change = (part: Partial<Snapshot>) => {
    snapshot = { ...snapshot, ...part }
    for (const listener of [...listeners]) listener()
  }
  return {
    getSnapshot: () => snapshot,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    offer({ epoch, version, unread }, latest = snapshot.latest) {
      const next = { epoch, version, unread }
      const newer = supersedes(next, snapshot.state)
      if (newer) change({ state: next, latest })
      return newer
    },
    connection(connection) {
      if (connection !== snapshot.connection) change({ connection })
    },
  }
}
