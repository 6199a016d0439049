import type { Item, State } from '../notifications/protocol.js'
import { createLadder } from './ladder.js'
import { watchPage } from './page.js'
import { poll, RequestError, request } from './poll.js'
import { createStore, type Snapshot } from './state.js'
import { joinTabs, type TabMessage, type Tabs } from './tabs.js'

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
  /** Whether this tab is the one that connects. */
  leads(): boolean
  /** Resolves with whether anybody looks at a tab of this user now. */
  looked(): Promise<boolean>
}

/** How long an answer to whether somebody looks is waited for, in milliseconds. */
const LOOKED_WITHIN = 200

export function createClient({ base = '/notifications', user, state }: ClientOptions = {}): Client {
  const store = createStore(state)
  const { getSnapshot } = store
  const query = user ? `?belfry-for=${encodeURIComponent(user)}` : ''
  let tabs: Tabs | undefined
  let leading = false
  let running = false
  let lookedAt = 0
  let subscribers = 0

  const tell = (latest?: Item) => tabs?.post({ type: 'told', ...getSnapshot(), latest })
  const over = () => {
    store.connection('signed-out')
    tabs?.rest()
    ladder.stop()
  }
  const sayOver = () => {
    tabs?.post({ type: 'over' })
    over()
  }
  const ladder = createLadder({
    base,
    query,
    poll: () => poll(`${base}/unread${query}`, (next) => store.offer(next) && leading && tell()),
    offer(next, latest) {
      if (store.offer(next, latest) && leading) tell(latest)
    },
    version: () => getSnapshot().state?.version ?? -1,
    status(connection) {
      store.connection(connection)
      if (connection === 'signed-out') sayOver()
      else if (leading) tell()
    },
  })

  const believe = ({ state: told, latest, connection }: Extract<TabMessage, { type: 'told' }>) => {
    if (told) store.offer(told, latest)
    store.connection(connection)
  }
  const heard = (message: TabMessage) => {
    if (message.type === 'ask' && leading) tell()
    if (message.type === 'over') over()
    if (message.type === 'did') store.offer(message.state)
    if (message.type === 'looking?' && document.hasFocus()) tabs?.post({ type: 'looking' })
    if (message.type === 'looking') lookedAt = performance.now()
    if (message.type === 'told' && !leading) believe(message)
  }
  const lead = () => {
    leading = true
    if (getSnapshot().connection !== 'signed-out') ladder.start()
  }
  const follow = () => {
    leading = false
    ladder.stop()
  }

  const join = () => {
    running = true
    if (user && 'locks' in navigator && 'BroadcastChannel' in window) tabs = joinTabs(`belfry ${base} ${user}`, { lead, follow, heard })
    else lead()
  }
  const leave = () => {
    running = false
    tabs?.leave()
    tabs = undefined
    follow()
  }
  /** After a pause the session is looked at first: somebody else may have signed in meanwhile. */
  const resume = async () => {
    if (running || subscribers === 0) return
    const answer = await poll(`${base}/unread${query}`, store.offer)
    if (running || subscribers === 0) return
    store.connection(answer === 'signed-out' ? answer : answer === 'ok' ? 'connecting' : 'offline')
    join()
  }
  const look = () => {
    tabs?.ask()
    ladder.check()
  }
  const restart = () => {
    if (leading && getSnapshot().connection !== 'signed-out') void ladder.restart()
  }

  const page = { looked: look, left: leave, returned: resume, woke: restart, offline: () => leading && void ladder.doubt() }
  let unlisten: (() => void) | undefined
  const settle = () => {
    if (subscribers > 0 && !unlisten) {
      unlisten = watchPage(page)
      join()
    } else if (subscribers === 0 && unlisten) {
      unlisten()
      unlisten = undefined
      leave()
    }
  }

  const change = async (path: string, body?: URLSearchParams) => {
    try {
      const next = (await request(`${base}/${path}${query}`, { method: 'POST', keepalive: true, ...(body && { body }) })) as State
      if (store.offer(next)) tabs?.post({ type: 'did', state: getSnapshot().state as State })
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) {
        sayOver()
      }
      throw error
    }
  }

  return {
    base,
    getSnapshot,
    subscribe(listener) {
      const unsubscribe = store.subscribe(listener)
      if (subscribers++ === 0) settle()
      let left = false
      return () => {
        if (left) return
        left = true
        unsubscribe()
        subscribers--
        // An element that moves within the page leaves and comes back at once: that is no reason to disconnect.
        setTimeout(settle)
      }
    },
    async list(parameters = {}) {
      const page = (await request(`${base}?${new URLSearchParams({ ...parameters, ...(user && { 'belfry-for': user }) })}`)) as ItemPage
      store.offer(page)
      return page
    },
    mark: (id, action) => change(`${encodeURIComponent(id)}/${action}`),
    readAll: (upTo) => change('read-all', new URLSearchParams({ upTo })),
    act: () => ladder.act(),
    leads: () => leading,
    async looked() {
      const asked = performance.now()
      if (document.hasFocus()) return true
      tabs?.post({ type: 'looking?' })
      await new Promise((resolve) => setTimeout(resolve, LOOKED_WITHIN))
      return lookedAt > asked
    },
  }
}
