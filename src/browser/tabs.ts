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
export class Tabs {
  readonly #name: string
  readonly #events: TabEvents
  #channel: BroadcastChannel | undefined
  #release: (() => void) | undefined
  #waiting = new AbortController()
  #silentSince = true
  #asked = false
  #resting = false
  #starting: ReturnType<typeof setTimeout> | undefined
  #timer = setTimeout(() => this.#listen(), LISTEN_FOR)

  constructor(name: string, events: TabEvents) {
    this.#name = name
    this.#events = events
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#heard(data)
    this.#queueUp()
    this.ask()
  }

  post(message: TabMessage): void {
    this.#channel?.postMessage(message)
  }

  /** Asks the leader now, rather than when its silence becomes strange. */
  ask(): void {
    this.post({ type: 'ask', visible: !document.hidden })
  }

  /** Stands aside until a leader is heard again: the session is over, as far as this tab knows. */
  rest(): void {
    this.#resting = true
    this.#waiting.abort()
    this.#over()
  }

  /** Another session began: whoever knows it may lead. */
  begin(): void {
    this.rest()
    this.#queueUp()
  }

  leave(): void {
    clearTimeout(this.#timer)
    this.#channel?.close()
    this.#channel = undefined
    this.rest()
  }

  #heard(message: TabMessage): void {
    if (message.type === 'told') {
      this.#silentSince = this.#asked = false
      if (this.#resting) this.#queueUp()
    }
    this.#events.heard(message)
    // A hidden tab may be frozen any moment: one that is looked at leads better.
    if (message.type === 'ask' && message.visible && document.hidden && this.#over()) this.#queueUp()
  }

  #queueUp(): void {
    this.#resting = false
    this.#waiting = new AbortController()
    this.#queue({ signal: this.#waiting.signal })
  }

  #queue(options: LockOptions): void {
    const hold = () => (this.#resting ? undefined : this.#hold())
    navigator.locks
      .request(this.#name, options, hold)
      // Given up, or taken away by another tab. Else the browser gives nobody any lock, and every tab connects for itself.
      .catch(({ name }) => (name === 'AbortError' ? undefined : hold()))
      .then(() => {
        if (this.#over() && !this.#resting) this.#queueUp()
      })
  }

  #hold(): Promise<void> {
    if (document.hidden) this.#starting = setTimeout(this.#events.lead, HIDDEN_TAB_WAITS)
    else this.#events.lead()
    return new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Ends our lead, if we have it; says whether we had it. */
  #over(): boolean {
    const done = this.#release
    this.#release = undefined
    clearTimeout(this.#starting)
    if (done) this.#events.follow()
    done?.()
    return !!done
  }

  /** A leader that was not heard is asked; one that does not answer loses the lead to us. */
  #listen(): void {
    if (this.#release || this.#resting || !this.#silentSince) this.#asked = false
    else {
      if (this.#asked) {
        this.#waiting.abort()
        this.#queue({ steal: true })
      } else this.ask()
      this.#asked = !this.#asked
    }
    this.#silentSince = true
    this.#timer = setTimeout(() => this.#listen(), document.hidden ? LISTEN_HIDDEN_FOR : LISTEN_FOR)
  }
}
