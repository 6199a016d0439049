import type { Item, State } from '../notifications/protocol.js'
import { type RequestError, request } from './poll.js'
import { createShare } from './share.js'
import { createStore, type Snapshot } from './state.js'

export type { Item, ItemState, Level, State } from '../notifications/protocol.js'
export type { Connection, Snapshot } from './state.js'

/** A page of an inbox, as the server lists it. */
export interface ItemPage extends State {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export type Action = 'read' | 'unread' | 'archive' | 'unarchive'

export interface ClientOptions {
  /** Where the plugin is mounted; `/notifications` unless told. */
  readonly base?: string | undefined
  /** The mark of the user, as the server-rendered bell has it in `data-user`. With it, tabs of one user share one connection. */
  readonly user?: string | undefined
  /** The state that the page was rendered with. */
  readonly state?: State | undefined
}

/** Notifications of the user whom the page belongs to. Nothing happens before the first `subscribe`. */
export interface Client {
  readonly base: string
  /** What is known now; the same object until something changes. */
  getSnapshot(): Snapshot
  /** Calls `listener` after every change. The first subscriber connects, the last one to leave disconnects. */
  subscribe(listener: () => void): () => void
  /** Asks for a page of the inbox. `query` as in the address of the inbox. Rejects with a RequestError. */
  list(query?: Readonly<Record<string, string>>): Promise<ItemPage>
  /** Marks one notification; the badge follows from the state that the server answers. Rejects with a RequestError. */
  mark(id: string, action: Action): Promise<void>
  /** Marks as read what stood in the inbox when `upTo`, a cursor, was shown. Rejects with a RequestError. */
  readAll(upTo: string): Promise<void>
  /** The person did something: what waited for that is tried again. */
  act(): void
  /** The server rendered this state for the same user: taken over if it is newer; and whoever was signed out may be signed in again. */
  offer(state: State): void
  /** Whether this tab is the one that connects. */
  leads(): boolean
  /** Resolves with whether anybody looks at a tab of this user now. */
  looked(): Promise<boolean>
}

export function createClient({ base = '/notifications', user, state }: ClientOptions = {}): Client {
  const store = createStore(state)
  const { getSnapshot } = store
  const query = user ? `?belfry-for=${encodeURIComponent(user)}` : ''
  const share = createShare(base, user, query, store)
  let subscribers = 0

  const ask = async (url: string, init?: RequestInit) => {
    try {
      const answer = await request(url, init)
      share.act()
      return answer
    } catch (error) {
      if ((error as RequestError).status === 401) share.sayOver()
      throw error
    }
  }
  const change = async (path: string, body?: URLSearchParams) => {
    const next = (await ask(`${base}/${path}${query}`, { method: 'POST', keepalive: true, ...(body && { body }) })) as State
    if (store.offer(next, null)) share.did(next)
  }

  return {
    base,
    getSnapshot,
    subscribe(listener) {
      const unsubscribe = store.subscribe(listener)
      subscribers++
      share.start()
      return () => {
        if (!unsubscribe()) return
        subscribers--
        // An element that moves within the page leaves and comes back at once: that is no reason to disconnect.
        setTimeout(() => subscribers === 0 && share.stop())
      }
    },
    async list(parameters = {}) {
      const page = (await ask(`${base}?${new URLSearchParams({ ...parameters, ...(user && { 'belfry-for': user }) })}`)) as ItemPage
      store.offer(page)
      return page
    },
    mark: (id, action) => change(`${encodeURIComponent(id)}/${action}`),
    readAll: (upTo) => change('read-all', new URLSearchParams({ upTo })),
    act: share.act,
    offer(next) {
      if (next.epoch) store.offer(next)
      share.act()
    },
    leads: share.leads,
    looked: share.looked,
  }
}
