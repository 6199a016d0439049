import type { Server } from 'node:http'
import { OptionError, UnavailableError } from './errors.js'
import { drained } from './http/drain.js'
import { attachUpgrade } from './http/upgrade.js'
import type { Parts } from './parts.js'

const NO_SERVER = 'attach takes the server that http.createServer(app) or app.listen() returned, not the app.'

/** On which servers the plugin is, and in what order everything ends. */
export class Lifecycle {
  readonly #parts: Parts
  readonly #servers = new Set<Server>()
  readonly #detach: (() => void)[] = []
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Opens the live connection on a server. Throws OptionError for what is none, UnavailableError after the end. */
  attach(server: Server): void {
    if (this.#closing !== undefined) throw new UnavailableError('Notifications have been closed.')
    if (typeof server?.getConnections !== 'function') throw new OptionError(NO_SERVER)
    this.#detach.push(attachUpgrade(server, this.#parts.context))
    this.#servers.add(server)
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
