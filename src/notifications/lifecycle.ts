import type { Server } from 'node:http'
import { drained } from './http/drain.js'
import { attachUpgrade } from './http/upgrade.js'
import type { Parts } from './parts.js'

/** On which servers the plugin is, and in what order everything ends. */
export class Lifecycle {
  readonly #parts: Parts
  readonly #servers = new Set<Server>()
  readonly #detach: (() => void)[] = []
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Opens the live connection on a server. */
  attach(server: Server): void {
    this.#servers.add(server)
    this.#detach.push(attachUpgrade(server, this.#parts.context))
  }

  /** Ends everything; twice is as good as once. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { recheck, pruner, sessions, store, scheduler, hub, bus, metrics, unwatch } = this.#parts
    recheck?.close()
    pruner?.close()
    sessions.rest()
    store.hurry()
    const idle = scheduler.close()
    await hub.close()
    // Requests that are being answered may still want to notify somebody, or sign somebody out.
    await Promise.all([...this.#servers].map(drained))
    sessions.close()
    for (const undo of this.#detach) undo()
    await idle
    unwatch()
    await bus.close()
    await store.close()
    metrics.close()
  }
}
