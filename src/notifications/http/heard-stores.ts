import type { SessionData, Store } from 'express-session'

/** What is heard of the sessions of stores: each thing when it was done. */
interface StoreEvents {
  readonly destroyed: (id: string) => void
  readonly cleared: () => void
  readonly saved: (id: string, session: SessionData) => void
  /** Told before it is done. */
  readonly extended: (id: string, session: SessionData) => void
}

/** Of a store's method: what went wrong, else nothing and what came of it. */
type Callback = (error?: unknown, ...results: unknown[]) => unknown

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
        call(
          (heard) => destroy.call(store, id, heard),
          callback,
          () => idsOf(id).forEach(destroyed),
        ),
      set: (id, session, callback) =>
        call(
          (heard) => set.call(store, id, session, heard),
          callback,
          () => saved(id, session),
        ),
    }
    if (clear !== undefined) telling.clear = (callback) => call((heard) => clear.call(store, heard), callback, cleared)
    if (touch !== undefined) {
      telling.touch = (id, session, callback) => {
        extended(id, session)
        return touch.call(store, id, session, callback)
      }
    }
    return telling
  }
}

/** Some stores destroy several at once, and a host may name one that it does not have. */
function idsOf(destroyed: unknown): string[] {
  return [destroyed].flat().filter((id) => typeof id === 'string')
}

/**
 * Calls a method of a store, tells when that is done, and returns what the store does. Many return a promise: without a callback that is how the host hears
 * of a failure.
 */
function call(method: (callback: Callback) => unknown, callback: Callback | undefined, tell: () => void): unknown {
  let failure: { readonly error: unknown } | undefined
  let result: unknown
  const returned = method((error, ...results) => {
    if (error) failure = { error }
    else tell()
    result = results[0]
    return callback?.(error, ...results)
  })
  if (callback !== undefined || !(returned instanceof Promise)) return returned
  const asWithoutUs = returned.then((value) => {
    if (failure !== undefined) throw failure.error
    return value ?? result
  })
  // Express-session does not wait for it.
  asWithoutUs.catch(() => {})
  return asWithoutUs
}

/** Replaces methods of an object; returns what puts back the old ones, but for those that somebody else has replaced since. */
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
