import type { Server } from 'node:http'
import type { HttpContext } from './context.js'

/** Opens the live connection on the app's own server; returns what undoes it. */
export function attachUpgrade(_server: Server, _context: HttpContext): () => void {
  return () => {}
}
