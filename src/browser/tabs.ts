import type { Item, State } from '../notifications/protocol.js'
import type { Connection } from './state.js'

/** What tabs of one user tell one another. What is heard is shown, never passed on. */
export type TabMessage =
  /** Who leads, and what do you know? */
  | { readonly type: 'ask'; readonly visible: boolean }
  /** The leader's answer, and what it tells unasked. */
  | { readonly type: 'told'; readonly state: State | undefined; readonly connection: Connection; readonly latest?: Item | null | undefined }
  /** A tab did something, and this is the state that the server answered. */
  | { readonly type: 'did'; readonly state: State }
  /** A tab learned that the session is over. */
  | { readonly type: 'over' }
  /** The leader would like to interrupt: does anybody look at one of the tabs? */
  | { readonly type: 'looking?' }
  | { readonly type: 'looking' }

export interface TabEvents {
  lead(): void
  follow(): void
  heard(message: TabMessage): void
}

/** How often a tab expects to hear the leader, asks, and takes over when there is no answer; in milliseconds. */
const LISTEN_FOR = 1500
const LISTEN_HIDDEN_FOR = 4000
/** A hidden tab waits before it connects: often the tab that closed is only going to its next page. In milliseconds. */
const HIDDEN_TAB_WAITS = 1000

/**
 * Elects one tab of a browser. The one that holds the Web Lock leads. It loses the lock when it closes, gives it away when it
 * freezes, and has it taken away when it hangs: a lock alone would stay with a tab that is there but does nothing.
 */
export interface Tabs {
  post(message: TabMessage): void
  /** Asks the leader now, rather than when its silence becomes strange. */
  ask(): void
  /** Stands aside until another session begins: this one is over, as far as this tab knows. */
  rest(): void
  /** Whoever knows of another session may lead. */
  begin(): void
  leave(): void
}

export function createTabs(name: string, { lead, follow, heard }: TabEvents): Tabs {
  let channel: BroadcastChannel | undefined = new BroadcastChannel(name)
  let release: (() => void) | undefined
  let waiting: AbortController
  let silentSince = true
  let asked = false
  let resting: boolean
  let starting: ReturnType<typeof setTimeout> | undefined
  let timer: ReturnType<typeof setTimeout>

  const post = (message: TabMessage) => channel?.postMessage(message)
  const ask = () => post({ type: 'ask', visible: !document.hidden })
  /** Ends our lead, if we have it; says whether we had it. */
  const over = () => {
    const done = release
    release = undefined
    clearTimeout(starting)
    if (done) follow()
    done?.()
    return !!done
  }
  const rest = () => {
    resting = true
    waiting.abort()
    over()
  }
  const hold = () => {
    if (resting) return
    if (document.hidden) starting = setTimeout(lead, HIDDEN_TAB_WAITS)
    else lead()
    return new Promise<void>((resolve) => {
      release = resolve
    })
  }
  const queue = (options: LockOptions) => {
    navigator.locks.request(name, options, hold).catch((error) => {
      // The browser gives nobody any lock, and every tab connects for itself.
      if (error.name !== 'AbortError') return hold()
      // Given up, or taken away by another tab.
      if (over() && !resting) queueUp()
    })
  }
  const queueUp = () => {
    resting = false
    waiting = new AbortController()
    queue({ signal: waiting.signal })
  }
  /** A leader that was not heard is asked; one that does not answer loses the lead to us. */
  const listen = () => {
    if (release || resting || !silentSince) asked = false
    else {
      if (asked) {
        waiting.abort()
        queue({ steal: true })
      } else ask()
      asked = !asked
    }
    silentSince = true
    listenOn(document.hidden ? LISTEN_HIDDEN_FOR : LISTEN_FOR)
  }
  const listenOn = (ms: number) => {
    timer = setTimeout(listen, ms)
  }

  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    if (data.type === 'told') silentSince = asked = false
    heard(data)
    // A hidden tab may be frozen any moment: one that is looked at leads better.
    if (data.type === 'ask' && data.visible && document.hidden && over()) queueUp()
  }
  listenOn(LISTEN_FOR)
  queueUp()
  ask()
  return {
    post,
    ask,
    rest,
    begin() {
      rest()
      queueUp()
    },
    leave() {
      clearTimeout(timer)
      channel?.close()
      channel = undefined
      rest()
    },
  }
}
