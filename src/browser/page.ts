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
  const listeners = {
    visibilitychange: () => document.hidden || looked(),
    pointerdown: acted,
    keydown: acted,
    freeze: left,
    resume: returned,
    pagehide: left,
    pageshow: (event: Event) => (event as PageTransitionEvent).persisted && returned(),
    online: woke,
    offline,
  }
  // On the way down, as what freezes a document does not bubble up to its window.
  for (const [type, listener] of Object.entries(listeners)) addEventListener(type, listener, { capture: true, signal: stop.signal })
  return () => {
    clearInterval(ticking)
    stop.abort()
  }
}
