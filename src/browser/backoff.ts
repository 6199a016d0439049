/** How long to wait before each further attempt. Full jitter: anything from nothing to a bound that doubles. */
export interface Backoff {
  /** Milliseconds until the next attempt. */
  next(): number
  /** The connection stands; only when it has stood for a while does the bound begin anew. */
  opened(): void
}

/** Bounds of the first wait and of every later one, in milliseconds. */
const BASE = 1000
const CAP = 30_000
/** How long a connection has to stand before it counts as a success, in milliseconds. */
const STABLE = 10_000

export function createBackoff(random = Math.random, now = Date.now): Backoff {
  let attempts = 0
  let openedAt: number | undefined
  return {
    next() {
      if (openedAt && now() - openedAt >= STABLE) attempts = 0
      openedAt = undefined
      return random() * Math.min(CAP, BASE * 2 ** attempts++)
    },
    opened() {
      openedAt = now()
    },
  }
}
