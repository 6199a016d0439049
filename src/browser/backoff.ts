/** How long to wait before each further attempt. Full jitter: anything from nothing to a bound that doubles. */
export interface Backoff {
  /** Milliseconds until the next attempt. */
  next(): number
  /** The connection stands; only when it has stood for `stable` does the bound begin anew. */
  opened(): void
}

export interface BackoffOptions {
  /** Bound of the first wait, in milliseconds. */
  readonly base?: number
  /** Bound of every later wait, in milliseconds. */
  readonly cap?: number
  /** How long a connection has to stand before it counts as a success, in milliseconds. */
  readonly stable?: number
  readonly random?: () => number
  readonly now?: () => number
}

export function createBackoff({ base = 1000, cap = 30_000, stable = 10_000, random = Math.random, now = Date.now }: BackoffOptions = {}): Backoff {
  let attempts = 0
  let openedAt: number | undefined
  return {
    next() {
      if (openedAt !== undefined && now() - openedAt >= stable) attempts = 0
      openedAt = undefined
      return random() * Math.min(cap, base * 2 ** attempts++)
    },
    opened() {
      openedAt = now()
    },
  }
}
