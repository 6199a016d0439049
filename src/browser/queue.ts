/** So many run at once. */
const AT_ONCE = 4

const waiting: (() => void)[] = []
let running = 0

// What still waits when the page is left is sent then, also that of an inbox in whose place another came: afterwards nothing would be.
addEventListener('pagehide', () => {
  for (const go of waiting.splice(0)) go()
})

/** Runs a few at a time, in the order given. */
export async function queue(send: () => Promise<void>): Promise<void> {
  if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go))
  running++
  try {
    await send()
  } finally {
    running--
    waiting.shift()?.()
  }
}
