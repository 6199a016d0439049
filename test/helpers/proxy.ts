import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

/** `pass` on · `refuse` with 403 · `swallow`: take it and never answer · `cut`: reset at once. */
export type Treatment = 'pass' | 'refuse' | 'swallow' | 'cut'

/** Two frames of a browser, in ms. */
const FRAMES = 34

async function lineByLine(answer: IncomingMessage, res: ServerResponse): Promise<void> {
  for await (const line of createInterface({ input: answer })) {
    res.write(`${line}\n`)
    await setTimeout(FRAMES)
  }
  res.end()
}

/** Something bad between a browser and a server, as company networks, tunnels and trains have it. */
export class FaultyProxy implements AsyncDisposable {
  upgrades: Treatment = 'pass'
  streams: Treatment = 'pass'
  requests: Treatment = 'pass'
  /** Paths of everything that was asked of it, sockets included. */
  readonly asked: string[] = []
  readonly url: string
  /** Whether pages come line by line, with time to be drawn after each. */
  trickle = false
  /** Requests without an answer yet; streams don't count. */
  pending = 0
  readonly #server: Server
  readonly #target: URL
  readonly #sockets = new Set<Duplex>()
  readonly #upgraded = new Set<Duplex>()

  private constructor(server: Server, target: string) {
    this.#server = server
    this.#target = new URL(target)
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`
    server.on('request', (req, res) => this.#request(req, res))
    server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head))
    server.on('connection', (socket) => this.#keep(socket))
  }

  static async before(target: string): Promise<FaultyProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultyProxy(server, target)
  }

  /** Cuts everything that is open now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** What is open now stays open, and nothing comes through it any more. */
  freeze(): void {
    for (const socket of this.#upgraded) socket.unpipe()
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #request(req: IncomingMessage, res: ServerResponse): void {
    const path = req.url ?? ''
    this.asked.push(path)
    if (!path.includes('/stream')) {
      this.pending++
      res.on('close', () => this.pending--)
    }
    const treatment = path.includes('/stream') && this.requests === 'pass' ? this.streams : this.requests
    if (treatment === 'swallow') return
    if (treatment === 'cut') return void req.socket.destroy()
    if (treatment === 'refuse') return void res.writeHead(403).end()
    const { hostname, port } = this.#target
    const onward = request({ host: hostname, port, path, method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      if (this.trickle && answer.headers['content-type']?.startsWith('text/html')) void lineByLine(answer, res)
      else answer.pipe(res)
      answer.on('error', () => res.destroy())
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.asked.push(req.url ?? '')
    if (this.upgrades === 'swallow') return
    if (this.upgrades === 'cut') return void socket.destroy()
    if (this.upgrades === 'refuse') return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
    const onward: Socket = connect(Number(this.#target.port), this.#target.hostname, () => {
      const headers = req.rawHeaders.reduce((text, part, index) => text + part + (index % 2 === 0 ? ': ' : '\r\n'), '')
      onward.write(`GET ${req.url} HTTP/1.1\r\n${headers}\r\n`)
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    this.#keep(onward)
    for (const end of [socket, onward]) {
      this.#upgraded.add(end)
      end.on('close', () => this.#upgraded.delete(end))
    }
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    this.#server.closeAllConnections()
    await closed
  }
}
