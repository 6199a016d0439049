import type { Ending } from '../ending.js'

/**
 * The bus carries hints between the processes that serve the same users: who may have changed, and whose
 * connections must end. A hint is never the truth, so it may be lost, doubled or late; the hub re-reads the store.
 */
export type Hint = { readonly kind: 'changed'; readonly audiences: readonly string[] } | ({ readonly kind: 'disconnect' } & Ending)

export type Listener = (hint: Hint) => void

/** Contract of every bus. */
export interface Bus {
  /** Tells every subscriber, here and in other processes. Never throws and never waits: an outage loses hints only. */
  publish(hint: Hint): void
  /** Calls `listener` for every hint from now on, including this process's own. Returns what ends it. */
  subscribe(listener: Listener): () => void
  /** Releases everything; hints published later go nowhere. */
  close(): Promise<void>
}
