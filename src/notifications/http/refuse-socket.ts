import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { BelfryError } from '../errors.js'
import { problemOf } from './problem.js'

/** From the request to the end of a refused socket, whatever the peer does, in milliseconds; longer where only the answer took longer. */
const GONE_WITHIN = 750
/** How long a peer has to take the answer and let go by itself, in milliseconds. */
const LINGER = 250
/** And how long at least, however late the answer came, in milliseconds. */
const LEAST_LINGER = 50

/**
 * Answers an upgrade over HTTP, and sees to it that the socket is gone within a second of its request, or soon after the answer where that came late.
 * @param since when that came in, by performance.now()
 */
export function refuseSocket(socket: Duplex, error: BelfryError, since: number): void {
  const body = JSON.stringify(problemOf(error))
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
  ]
  if (error.retryAfter !== undefined) head.push(`Retry-After: ${error.retryAfter}`)
  if (error.status === 400) head.push('Sec-WebSocket-Version: 13')
  // Destroyed right after the write, with bytes of the peer unread, the answer itself would be lost in a reset.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.resume()
  setTimeout(() => socket.destroy(), Math.min(LINGER, Math.max(LEAST_LINGER, GONE_WITHIN - (performance.now() - since)))).unref()
}
