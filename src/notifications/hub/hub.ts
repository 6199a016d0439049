import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics.js'
import type { Person } from '../person.js'
import { CLOSE } from '../protocol.js'
import type { Look } from '../service.js'
import type { Connection } from './connection.js'
import { Outgoing } from './outgoing.js'

/** Reads the state of many at once; the number is the position that each has seen. */
export type LookUp = (users: ReadonlyMap<string, number>) => Promise<ReadonlyMap<string, Look>>

/** What a hub needs. Times in seconds. */
export interface HubOptions {
  readonly look: LookUp
  readonly heartbeat: number
  readonly reconnectWithin: number
  readonly maxConnectionsPerUser: number
  readonly maxConnections: number
  readonly metrics: Metrics
  readonly logger: Logger
}

export class Hub {
  readonly #options: HubOptions
  readonly #connections = new Set<Connection>()

  constructor(options: HubOptions) {
    this.#options = options
  }

  refusal(user: string): 'user_full' | 'full' | undefined {
    if (this.#connections.size >= this.#options.maxConnections) return 'full'
    const own = [...this.#connections].filter((c) => c.user === user)
    return own.length >= this.#options.maxConnectionsPerUser ? 'user_full' : undefined
  }

  join(connection: Connection, _person: Person): void {
    this.#connections.add(connection)
    void this.#tell(connection, 'hello')
  }

  leave(connection: Connection): void {
    this.#connections.delete(connection)
  }

  wake(_audiences: readonly string[]): void {
    for (const connection of this.#connections) void this.#tell(connection, 'unread')
  }

  sync(connection: Connection): void {
    void this.#tell(connection, 'unread')
  }

  update(person: Person): void {
    this.wake([`user:${person.id}`])
  }

  disconnect(target: { readonly user: string } | { readonly session: string }): void {
    for (const c of this.#connections) if ('user' in target ? c.user === target.user : c.session === target.session) c.close(CLOSE.signedOut)
  }

  users(): string[] {
    return [...new Set([...this.#connections].map((c) => c.user))]
  }

  async close(): Promise<void> {
    for (const c of this.#connections) c.close(CLOSE.restart)
  }

  async #tell(connection: Connection, type: 'hello' | 'unread'): Promise<void> {
    const look = (await this.#options.look(new Map([[connection.user, 0]]))).get(connection.user)
    if (look === undefined) return
    const { heartbeat, reconnectWithin } = this.#options
    connection.send(new Outgoing(type === 'hello' ? { type, ...look.state, heartbeat, reconnectWithin } : { type, ...look.state }, look.state.epoch))
  }
}
