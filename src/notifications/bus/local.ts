import type { Bus, Hint, Listener } from './bus.js'

/** The bus of a single process: a list of listeners. */
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
