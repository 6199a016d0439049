import type { Server } from 'node:http'

/** How long requests that are being answered have, in milliseconds. */
const DRAIN_WITHIN = 5000

/**
 * Resolves when nothing more can come from a server: at once where it still takes connections, since then nobody has begun to end it; else when its
 * last connection is gone, or after five seconds.
 */
export function drained(server: Server): Promise<void> {
  if (server.listening) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(late)
      server.off('close', done)
      resolve()
    }
    const late = setTimeout(done, DRAIN_WITHIN)
    server.once('close', done)
    server.getConnections((error, count) => {
      if (error || count === 0) done()
    })
  })
}
