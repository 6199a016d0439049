import type { Listen } from './own-bell.js'

/** So many run at once. */
const AT_ONCE = 4

/** Runs a few at a time, in the order given. What still waits when the page is left is sent then: afterwards nothing would be. */
export function createQueue(listen: Listen): (send: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = []
  let running = 0
  listen('pagehide', () => {
    for (const go of waiting.splice(0)) go()
  })
  return async (send) => {
    if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go))
    running++
    try {
      await send()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
