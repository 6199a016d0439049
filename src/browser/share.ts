import type { Item, State } from '../notifications/protocol.js'
import { createLadder } from './ladder.js'
import { reloadPrivate, watchPage } from './page.js'
import { poll } from './poll.js'
import type { Store } from './state.js'
import { createTabs, type TabMessage, type Tabs } from './tabs.js'

/** How long an answer to whether somebody looks is waited for, in milliseconds. */
const LOOKED_WITHIN = 200
/** How often somebody who does something on a page that is signed out has the server asked whether that is still so, in milliseconds. */
const ASK_AGAIN = 3000
/** Until the other tabs have heard what they are told, in milliseconds. */
const HEARD_WITHIN = 200

/** The one connection that the tabs of a user share: led by this tab, or heard of from the one that leads. */
export interface Share {
  /** Connects for as long as the page is there, until `stop`; again it does nothing. */
  start(): void
  stop(): void
  act(): void
  /** This tab did something, and this is the state that the server answered. */
  did(state: State): void
  /** The session is over: all tabs know. */
  sayOver(): void
  leads(): boolean
  looked(): Promise<boolean>
}

export function createShare(base: string, user: string | undefined, query: string, store: Store): Share {
  const { getSnapshot } = store
  const url = `${base}/unread${query}`
  let tabs: Tabs | undefined
  let leading = false
  let lookedAt = 0
  let away = false
  let askedAgain = 0
  let resting: ReturnType<typeof setTimeout> | undefined
  let unlisten: (() => void) | undefined

  const isOver = () => getSnapshot().connection === 'signed-out'
  const tell = (latest?: Item | null) => tabs?.post({ type: 'told', ...getSnapshot(), latest })
  const over = () => {
    store.connection('signed-out')
    tabs?.rest()
    ladder.stop()
  }
  const sayOver = () => {
    tabs?.post({ type: 'over' })
    store.connection('signed-out')
    follow()
    // Whoever gets the lead from us has to have heard it before.
    resting = setTimeout(() => tabs?.rest(), HEARD_WITHIN)
  }
  /** Another session began, here or in another tab. */
  const begin = () => {
    clearTimeout(resting)
    if (tabs) tabs.begin()
    else lead()
  }
  /** A page may sign in, or change its session, without being left. Nobody tells it, and it asks only when there is somebody to see the answer. */
  const askAgain = () => {
    if (!isOver() || away) return
    askedAgain = Date.now()
    void poll(url, (state) => {
      if (!isOver() || away) return
      store.offer(state, null, true)
      store.connection('connecting')
      begin()
    })
  }
  const acted = () => Date.now() - askedAgain < ASK_AGAIN || askAgain()
  const offer = (next: State, latest?: Item | null) => {
    if (store.offer(next, latest) && leading) tell(latest)
  }
  const ask = () => poll(url, offer)
  const ladder = createLadder({
    base,
    query,
    poll: ask,
    offer,
    version: () => getSnapshot().state?.version ?? -1,
    status(connection) {
      store.connection(connection)
      if (isOver()) sayOver()
      else if (leading) tell()
    },
  })

  const lead = () => {
    leading = true
    if (!isOver()) ladder.start()
  }
  const follow = () => {
    leading = false
    ladder.stop()
  }
  const believe = ({ state, latest, connection }: Extract<TabMessage, { type: 'told' }>) => {
    if (isOver()) begin()
    if (state) store.offer(state, latest)
    store.connection(connection)
  }
  const heard = (message: TabMessage) => {
    if (message.type === 'ask' && leading) tell()
    if (message.type === 'over') over()
    if (message.type === 'did') store.offer(message.state, null)
    if (message.type === 'looking?' && document.hasFocus()) tabs?.post({ type: 'looking' })
    if (message.type === 'looking') lookedAt = performance.now()
    if (message.type === 'told' && !leading) believe(message)
  }

  const join = () => {
    away = false
    if (user && navigator.locks) tabs = createTabs(`belfry ${base} ${user}`, { lead, follow, heard })
    else lead()
  }
  const left = () => {
    away = true
    clearTimeout(resting)
    tabs?.leave()
    tabs = undefined
    follow()
  }
  /** After a pause the session is looked at first: somebody else may have signed in meanwhile. */
  const returned = async () => {
    const answer = away && (await ask())
    if (!answer || !away || !unlisten) return
    store.connection(answer === 'signed-out' ? answer : answer === 'ok' ? 'connecting' : 'offline')
    join()
    if (!isOver()) return
    over()
    // What stands on it is nobody's any more, and may not be shown to whoever sits here now.
    reloadPrivate()
  }
  const looked = () => {
    askAgain()
    tabs?.ask()
    ladder.check()
  }
  const woke = () => {
    if (leading && !isOver()) void ladder.restart()
  }
  const offline = () => {
    if (leading) void ladder.doubt()
  }

  return {
    start() {
      if (unlisten) return
      unlisten = watchPage({ looked, acted, left, returned, woke, offline })
      if (isOver()) store.connection('connecting')
      join()
    },
    stop() {
      unlisten?.()
      unlisten = undefined
      left()
    },
    act() {
      askAgain()
      ladder.act()
    },
    did: (state) => tabs?.post({ type: 'did', state }),
    sayOver,
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
