/** What happens to a page that a live client has to know. */
export interface PageEvents {
  /** Somebody looks at it (again). */
  looked(): void
  /** Somebody does something on it, by pointer or by key. */
  acted(): void
  /** It is put away, into the back/forward cache or by freezing, or for good: let go of everything that others need. */
  left(): void
  /** It comes back from there. */
  returned(): void
  /** The network came back, or the machine from its sleep. */
  woke(): void
  /** The browser believes that the network went. */
  offline(): void
}

const TICK = 5000
/** A visible page whose clock jumps by more than this was asleep; in milliseconds. */
const SLEPT = 10_000

/** Loads a page again on which private things stand, so that nobody reads them who may not. */
export function reloadPrivate(): void {
  if (document.querySelector('.belfry-page,[data-belfry-private]')) location.reload()
}

/** Watches the page until the returned function is called. */
export function watchPage({ looked, acted, left, returned, woke, offline }: PageEvents): () => void {
  let last = Date.now()
  const ticking = setInterval(() => {
    const now = Date.now()
    if (!document.hidden && now - last > TICK + SLEPT) woke()
    last = now
  }, TICK)
  const stop = new AbortController()
  const on = (target: EventTarget, type: string, listener: (event: Event) => void) => target.addEventListener(type, listener, { signal: stop.signal })
  on(document, 'visibilitychange', () => document.hidden || looked())
  on(document, 'pointerdown', acted)
  on(document, 'keydown', acted)
  on(document, 'freeze', left)
  on(document, 'resume', returned)
  on(window, 'pagehide', left)
  on(window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && returned())
  on(window, 'online', woke)
  on(window, 'offline', offline)
  return () => {
    clearInterval(ticking)
    stop.abort()
  }
}
