/** So many run at once. */
const AT_ONCE = 4

/** Runs a few at a time, in the order given. What still waits when the page is left is sent then: afterwards nothing would be. */
export function createQueue(): (send: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = []
  let running = 0
  let leaving = false
  addEventListener('pagehide', () => {
    leaving = true
    for (const go of waiting.splice(0)) go()
  })
  addEventListener('pageshow', () => {
    leaving = false
  })
  return async (send) => {
    if (running >= AT_ONCE && !leaving) await new Promise<void>((go) => waiting.push(go))
    running++
    try {
      await send()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
