import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** How the server answered an upgrade, and how long it took until nothing of the socket was left. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** From the first byte that was sent to the end of the socket, in milliseconds. */
  readonly took: number
}

interface Handshake {
  readonly port: number
  readonly method?: string
  readonly path?: string
  readonly version?: string
  /** Replaces those of a good handshake; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** What follows the head at once. */
  readonly rest?: string | Buffer
}

/** The bytes of an upgrade, good but for what is asked to be otherwise. */
export function handshake({ port, method = 'GET', path = '/notifications/socket', version = '1.1', headers = {}, rest = '' }: Handshake): Buffer {
  const all: Record<string, string | null> = {
    Host: `127.0.0.1:${port}`,
    Origin: `http://127.0.0.1:${port}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'belfry.v1',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return Buffer.concat([Buffer.from(`${[`${method} ${path} HTTP/${version}`, ...lines].join('\r\n')}\r\n\r\n`), Buffer.from(rest)])
}

/** Opens a socket that never ends by itself, as a careless or hostile client's. */
export async function openRaw(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends an upgrade and waits until the server has ended the socket. */
export async function upgrade(request: Handshake): Promise<Answer> {
  const socket = await openRaw(request.port)
  const began = performance.now()
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('end', () => {
    // Whether the server lets go of its side shows only when writing to it fails.
    const probe = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(probe))
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const stuck = setTimeout(() => socket.destroy(new Error('the server never let go')), 3000)
  socket.write(handshake(request))
  await closed
  clearTimeout(stuck)
  return { ...parse(Buffer.concat(chunks).toString()), took: performance.now() - began }
}

function parse(text: string): Omit<Answer, 'took'> {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const [first = '', ...lines] = head.split('\r\n')
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const))
  return { status: Number(first.split(' ')[1]), headers, body }
}
