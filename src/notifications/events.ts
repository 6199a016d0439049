import type { Logger } from './logger.js'
import type { Notification } from './notification.js'

/** Somebody read something: the ones that were named, or all that stood in the inbox at a cursor. */
export type ReadEvent = { readonly user: string; readonly ids: readonly string[] } | { readonly user: string; readonly upTo: string }

/** A live connection of somebody came or went; `connections` is how many this process holds for them now. */
export interface ConnectionEvent {
  readonly user: string
  readonly connections: number
}

/** What `notifications.on` tells of, by name. All of it is about this process: what others do, they tell. */
export interface NotificationEvents {
  /** `notify` stored one, and it is durable: inside a transaction of the host's, after the outermost commit. */
  readonly created: Notification
  /** What was unread is read now: by a visit, a form, or `markAsRead`, `archive` and `markAllAsRead`. */
  readonly read: ReadEvent
  /** `recall` took one back. */
  readonly recalled: Notification
  readonly connected: ConnectionEvent
  readonly disconnected: ConnectionEvent
}

export type EventName = keyof NotificationEvents
export type EventListener<E extends EventName> = (event: NotificationEvents[E]) => unknown

export const EVENTS: readonly EventName[] = ['created', 'read', 'recalled', 'connected', 'disconnected']

/** Tells listeners of the host's, each in its own turn: they cannot break what happened, nor hold up its answer. */
export class Events {
  readonly #listeners = new Map<EventName, Set<(event: never) => unknown>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  on<E extends EventName>(name: E, listener: EventListener<E>): () => void {
    const entry = (event: NotificationEvents[E]) => listener(event)
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(entry))
    return () => void listeners.delete(entry)
  }

  /** Whether anybody wants to know: what costs a look is not looked up for nobody. */
  wants(name: EventName): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  tell<E extends EventName>(name: E, event: NotificationEvents[E]): void {
    for (const listener of this.#listeners.get(name) ?? []) setImmediate(() => this.#call(name, listener as EventListener<E>, event))
  }

  async #call<E extends EventName>(name: E, listener: EventListener<E>, event: NotificationEvents[E]): Promise<void> {
    try {
      await listener(event)
    } catch (error) {
      this.#logger.error({ err: error, event: name }, `a listener for '${name}' failed`)
    }
  }
}
