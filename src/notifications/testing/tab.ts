import { AssertionError } from 'node:assert'
import type { IncomingMessage, Server } from 'node:http'
import WebSocket from 'ws'
import type { Identity, Item } from '../index.js'
import { badgeText, type ServerFrame, type State, SUBPROTOCOL, supersedes } from '../protocol.js'
import { identityHeader } from './identity.js'

export interface TabOptions {
  /** Who it is, by id or with topics: for a server that `fakeNotifications` is attached to. */
  readonly user?: string | Identity
  /** The value of a `Cookie` header that is signed in: for any server; see `sessionCookie`. */
  readonly cookie?: string
  /** Where the socket listens; `/notifications` unless told. */
  readonly basePath?: string
  /** The page's origin; the server's own unless told. */
  readonly origin?: string
}

/** One open tab of somebody: a real socket, which shows what a badge would show. */
export interface TestTab extends AsyncDisposable {
  /** The newest state that it was told. */
  readonly state: State
  /** What its badge says: '' for 0, `99+` above 99. */
  readonly badge: string
  /** What arrived while it was open, oldest first; when frames are merged, only the newest of them is named. */
  readonly arrived: readonly Item[]
  /** The close code, once the connection has ended. */
  readonly closed: number | undefined
  /** Waits until the unread count is so many; fails with the counts that were seen. `within` is in milliseconds, 5,000 unless told. */
  unread(count: number, options?: { readonly within?: number }): Promise<State>
  /** Waits until the server ends the connection; resolves to the close code, such as 4401 after a sign-out. */
  ended(options?: { readonly within?: number }): Promise<number>
  close(): Promise<void>
}

/**
 * Opens a tab: resolves when it has been told its first state, rejects with a sentence where the server refuses it.
 * @param server the host's own, listening, or its address such as http://localhost:3000
 *
 * @example
 * await using tab = await testTab(server, { user: 'ada' })
 * await fake.notify({ to: { user: 'ada' }, title: 'Hello' })
 * await tab.unread(1)
 */
export async function testTab(server: Server | string, options: TabOptions): Promise<TestTab> {
  const tab = new SocketTab(typeof server === 'string' ? server.replace(/\/$/, '') : addressOf(server), options)
  await tab.opened
  return tab
}

class SocketTab implements TestTab {
  readonly opened: Promise<void>
  readonly arrived: Item[] = []
  closed: number | undefined
  state: State = { epoch: '', version: 0, unread: 0 }
  readonly #socket: WebSocket
  readonly #seen: number[] = []
  readonly #watchers = new Set<() => void>()

  constructor(url: string, { user, cookie, basePath = '/notifications', origin = url }: TabOptions) {
    const identity = user === undefined ? {} : identityHeader(typeof user === 'string' ? { id: user } : user)
    const headers = { origin, ...identity, ...(cookie === undefined ? {} : { cookie }) }
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}${basePath}/socket`, SUBPROTOCOL, { headers })
    this.#socket.on('message', (data) => this.#hear(JSON.parse(String(data)) as ServerFrame))
    this.#socket.on('close', (code) => {
      this.closed = code
      this.#changed()
    })
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('message', () => resolve())
      this.#socket.once('close', (code) => reject(new Error(`The server closed the connection with ${code} before it told a state.`)))
      this.#socket.once('unexpected-response', (_request, answer) => reject(refusal(answer, user !== undefined)))
      this.#socket.on('error', reject)
    })
  }

  get badge(): string {
    return badgeText(this.state.unread)
  }

  async unread(count: number, { within = 5000 }: { readonly within?: number } = {}): Promise<State> {
    const shows = () => this.state.unread === count && this.closed === undefined
    const seen = () => `The badge should show ${count} unread, but it showed ${this.#seen.join(', then ')}${this.#end()}.`
    await this.#until(() => shows() || this.closed !== undefined, within, seen)
    if (!shows()) throw new AssertionError({ message: seen(), actual: this.state.unread, expected: count, operator: 'unread' })
    return this.state
  }

  async ended({ within = 5000 }: { readonly within?: number } = {}): Promise<number> {
    await this.#until(
      () => this.closed !== undefined,
      within,
      () => `The server should have ended the connection within ${within} ms, but it is open.`,
    )
    return this.closed ?? 0
  }

  async close(): Promise<void> {
    if (this.closed !== undefined) return
    this.#socket.terminate()
    await this.ended()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #hear(frame: ServerFrame): void {
    if (frame.type === 'heartbeat') return
    if (frame.type === 'unread' && frame.latest !== undefined) this.arrived.push(frame.latest)
    const { epoch, version, unread } = frame
    if (frame.type === 'hello' || supersedes(frame, this.state)) {
      this.state = { epoch, version, unread }
      this.#seen.push(unread)
    }
    this.#changed()
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #end(): string {
    return this.closed === undefined ? '' : `, and the connection was closed with ${this.closed}`
  }

  #until(condition: () => boolean, within: number, sentence: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition()) return
        done()
        resolve()
      }
      const timer = setTimeout(() => {
        done()
        reject(new AssertionError({ message: sentence() }))
      }, within)
      const done = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
      }
      this.#watchers.add(check)
      check()
    })
  }
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') {
    throw new Error("The server does not listen on a port yet: server.listen(0), and wait for its 'listening' event.")
  }
  const host =
    address.family === 'IPv6' && address.address !== '::' ? `[${address.address}]` : address.address.replace(/^(::|0\.0\.0\.0)$/, '127.0.0.1')
  return `http://${host}:${address.port}`
}

function refusal(answer: IncomingMessage, byName: boolean): Error {
  const why: Readonly<Record<number, string>> = {
    401: byName
      ? 'nobody is signed in. `user` works where fakeNotifications is attached; with createNotifications, give the cookie of a signed-in session (sessionCookie makes one).'
      : 'nobody is signed in: the cookie belongs to no session that identify accepts.',
    403: 'the origin is not allowed: give `origin` as one of allowedOrigins.',
    404: 'nothing listens there: attach(server), and the same basePath here and there.',
    429: 'this user has too many connections.',
  }
  answer.resume()
  const { statusCode: status = 0 } = answer
  return new Error(`The server refused the socket with ${status}: ${why[status] ?? answer.statusMessage}`)
}
