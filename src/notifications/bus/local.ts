import type { Bus, Hint, Listener } from './bus.js'

/** Reaches this process alone, which is enough with SQLite: of what other processes do the store tells. */
export function localBus(): Bus {
  const listeners = new Set<Listener>()
  return {
    publish(hint: Hint) {
      for (const listener of listeners) listener(hint)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      listeners.clear()
    },
  }
}
