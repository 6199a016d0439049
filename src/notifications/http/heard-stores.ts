import type { SessionData, Store } from 'express-session'

/** What is heard of the sessions of stores: each thing when it was done. */
interface StoreEvents {
  readonly destroyed: (id: string) => void
  readonly cleared: () => void
  readonly saved: (id: string, session: SessionData) => void
  /** Told before it is done. */
  readonly extended: (id: string, session: SessionData) => void
}

/** Session stores whose methods tell what this process does with them. */
export class HeardStores {
  readonly #events: StoreEvents
  readonly #heard = new Map<Store, () => void>()

  constructor(events: StoreEvents) {
    this.#events = events
  }

  hear(store: Store): void {
    if (!this.#heard.has(store)) this.#heard.set(store, replace(store, this.#telling(store)))
  }

  /** Gives the stores back as they were. */
  close(): void {
    for (const letGo of this.#heard.values()) letGo()
    this.#heard.clear()
  }

  #telling(store: Store): Partial<Store> {
    const { destroy, clear, touch, set } = store
    const { destroyed, cleared, extended, saved } = this.#events
    const telling: Partial<Store> = {
      // Told only when it is done: a socket that is being opened could still find the session in the store before.
      destroy: (id, callback) =>
        destroy.call(
          store,
          id,
          after(callback, () => destroyed(id)),
        ),
      set: (id, session, callback) =>
        set.call(
          store,
          id,
          session,
          after(callback, () => saved(id, session)),
        ),
    }
    if (clear !== undefined) telling.clear = (callback) => clear.call(store, after(callback, cleared))
    if (touch !== undefined) {
      telling.touch = (id, session, callback) => {
        extended(id, session)
        touch.call(store, id, session, callback)
      }
    }
    return telling
  }
}

function after(callback: ((error?: unknown) => void) | undefined, tell: () => void): (error?: unknown) => void {
  return (error) => {
    if (!error) tell()
    callback?.(error)
  }
}

/** Gives an object other methods, its own or inherited; returns what gives it those back that nobody has replaced since. */
function replace<T extends object>(target: T, methods: Partial<T>): () => void {
  const own = Object.getOwnPropertyDescriptors(target)
  Object.assign(target, methods)
  return () => {
    for (const name of Object.keys(methods) as (keyof T)[]) {
      const before = own[name]
      if (target[name] !== methods[name]) continue
      if (before === undefined) delete target[name]
      else Object.defineProperty(target, name, before)
    }
  }
}
