import { type Item, type State, supersedes } from '../notifications/protocol.js'

/**
 * How the page hears of changes: `live` by socket or server-sent events, `polling` by asking; `offline` while the server
 * can't be reached; `signed-out` when the session is over, which holds until somebody is signed in again.
 */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline' | 'signed-out'

/** What a client knows at one moment. The same object until something changes. */
export interface Snapshot {
  /** The newest state; undefined until the first one is known. */
  readonly state: State | undefined
  readonly connection: Connection
  /** The notification that arrived last while the page was open. */
  readonly latest: Item | undefined
  /** Nothing arrived with this state: it follows from what was read or marked. */
  readonly marked: boolean
}

export interface Store {
  getSnapshot(): Snapshot
  /** Calls `listener` after every change, until the returned function is called, which says whether it was not before. */
  subscribe(listener: () => void): () => boolean
  /**
   * Takes a state over if it is newer than what is shown; says whether it was. Counts are never added up.
   * @param latest what arrived with it; null where nothing did, undefined where that is not known
   * @param anew newer or not: another session begins with it, which may be somebody else's
   */
  offer(state: State, latest?: Item | null, anew?: boolean): boolean
  connection(connection: Connection): void
}

export function createStore(state?: State): Store {
  const listeners = new Set<() => void>()
  let snapshot: Snapshot = { state, connection: 'connecting', latest: undefined, marked: false }
  const change = (part: Partial<Snapshot>) => {
    snapshot = { ...snapshot, ...part }
    for (const listener of [...listeners]) listener()
  }
  return {
    getSnapshot: () => snapshot,
    subscribe(listener) {
      // Each its own, though several be the same.
      const own = () => listener()
      listeners.add(own)
      return () => listeners.delete(own)
    },
    offer({ epoch, version, unread }, latest, anew) {
      const next = { epoch, version, unread }
      const newer = anew || supersedes(next, snapshot.state)
      if (newer) change({ state: next, latest: latest ?? snapshot.latest, marked: latest === null })
      return newer
    },
    connection(connection) {
      if (connection !== snapshot.connection) change({ connection })
    },
  }
}
