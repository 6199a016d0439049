import type { Item, State } from '../notifications/protocol.js'
import type { Connection } from './state.js'

/** What tabs of one user tell one another. What is heard is shown, never passed on. */
export type TabMessage =
  /** Who leads, and what do you know? */
  | { readonly type: 'ask'; readonly visible: boolean }
  /** The leader's answer, and what it tells unasked. */
  | { readonly type: 'told'; readonly state: State | undefined; readonly connection: Connection; readonly latest?: Item | undefined }
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

export interface Tabs {
  post(message: TabMessage): void
  /** Asks the leader now, rather than when its silence becomes strange. */
  ask(): void
  /** Stands aside until a leader is heard again: the session is over, as far as this tab knows. */
  rest(): void
  leave(): void
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
export function joinTabs(name: string, { lead, follow, heard }: TabEvents): Tabs {
  let channel: BroadcastChannel | undefined = new BroadcastChannel(name)
  let release: (() => void) | undefined
  let waiting = new AbortController()
  let silentSince = true
  let asked = false
  let resting = false
  let starting: ReturnType<typeof setTimeout> | undefined

  const post = (message: TabMessage) => channel?.postMessage(message)
  const ask = () => post({ type: 'ask', visible: !document.hidden })

  const hold = (): Promise<void> => {
    if (document.hidden) starting = setTimeout(lead, HIDDEN_TAB_WAITS)
    else lead()
    return new Promise((resolve) => {
      release = resolve
    })
  }
  /** Ends our lead, if we have it; says whether we had it. */
  const over = (): boolean => {
    const done = release
    release = undefined
    clearTimeout(starting)
    if (done && channel) follow()
    done?.()
    return done !== undefined
  }
  const queue = (options: LockOptions) => {
    navigator.locks
      .request(name, options, () => (channel ? hold() : undefined))
      .catch(() => {})
      .then(() => {
        if (over() && channel && !resting) queueUp()
      })
  }
  const queueUp = () => {
    resting = false
    waiting = new AbortController()
    queue({ signal: waiting.signal })
  }
  const rest = () => {
    resting = true
    waiting.abort()
    over()
  }
  const giveWay = () => {
    if (over()) queueUp()
  }

  const listen = () => {
    if (!release && !resting && silentSince) {
      if (asked) {
        waiting.abort()
        queue({ steal: true })
      } else ask()
      asked = !asked
    } else asked = false
    silentSince = true
    timer = setTimeout(listen, document.hidden ? LISTEN_HIDDEN_FOR : LISTEN_FOR)
  }
  let timer = setTimeout(listen, LISTEN_FOR)

  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    if (data.type === 'told') {
      silentSince = asked = false
      if (resting) queueUp()
    }
    heard(data)
    // A hidden tab may be frozen any moment: one that is looked at leads better.
    if (data.type === 'ask' && data.visible && document.hidden) giveWay()
  }
  queueUp()
  ask()

  return {
    post,
    ask,
    rest,
    leave() {
      clearTimeout(timer)
      channel?.close()
      channel = undefined
      rest()
    },
  }
}
