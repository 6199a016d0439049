import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SUBPROTOCOL } from '../protocol.js'
import { Refusal } from './refusal.js'

/** What every server of WebSockets puts behind the key (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Throws a Refusal where this is no handshake of ours; to be asked before anybody looks for a session. */
export function checkHandshake({ method, headers, httpVersion }: IncomingMessage): void {
  const key = headers['sec-websocket-key'] ?? ''
  const websocket = httpVersion === '1.1' && method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^[+/0-9A-Za-z]{22}==$/.test(key)
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
  const spoken = offered === undefined || (offered.includes(SUBPROTOCOL) && !offered.includes('') && new Set(offered).size === offered.length)
  if (!websocket || headers['sec-websocket-version'] !== '13' || !spoken) throw new Refusal('protocol')
}

/** The answer to a handshake that was checked. Extensions are declined by saying nothing of them. */
export function handshakeAnswer({ headers }: IncomingMessage): string {
  const accept = hash('sha1', `${headers['sec-websocket-key']}${GUID}`, 'base64')
  const spoken = headers['sec-websocket-protocol'] === undefined ? '' : `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n`
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${spoken}\r\n`
}
