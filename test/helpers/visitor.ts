import assert from 'node:assert/strict'
import { once } from 'node:events'
import WebSocket from 'ws'
import type { ItemPage, State } from '../../src/notifications/index.js'
import type { HelloFrame, ServerFrame, UnreadFrame } from '../../src/notifications/protocol.js'

interface Sending {
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Somebody with a cookie jar and no JavaScript: what a browser without scripts, or a script with curl, can do. */
export class Visitor {
  cookie = ''
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  static async signedIn(url: string, username: string, password: string): Promise<Visitor> {
    const visitor = new Visitor(url)
    const answer = await visitor.post('/login', { form: { username, password } })
    assert.equal(answer.status, 303, `${username} could not sign in: ${answer.status}`)
    return visitor
  }

  async send(method: string, path: string, { form, json, headers = {} }: Sending = {}): Promise<Response> {
    const body = form !== undefined ? new URLSearchParams(form).toString() : json !== undefined ? JSON.stringify(json) : null
    const type = form !== undefined ? 'application/x-www-form-urlencoded' : 'application/json'
    const answer = await fetch(new URL(path, this.url), {
      method,
      redirect: 'manual',
      body,
      headers: { ...(body === null ? {} : { 'content-type': type }), cookie: this.cookie, origin: this.url, ...headers },
    })
    for (const cookie of answer.headers.getSetCookie()) this.cookie = cookie.split(';')[0] ?? ''
    return answer
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send('GET', path, { headers })
  }

  post(path: string, sending: Sending = {}): Promise<Response> {
    return this.send('POST', path, sending)
  }

  async getJson<T>(path: string): Promise<T> {
    const answer = await this.get(path, { accept: 'application/json' })
    assert.equal(answer.status, 200, `GET ${path} answered ${answer.status}`)
    return (await answer.json()) as T
  }

  async postJson<T>(path: string, json: unknown, headers: Readonly<Record<string, string>> = {}): Promise<{ status: number; body: T }> {
    const answer = await this.post(path, { json, headers: { accept: 'application/json', ...headers } })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as T }
  }

  state(): Promise<State> {
    return this.getJson<State>('/notifications/unread')
  }

  /** Every item of a filter, through all its pages. */
  async inbox(filter = 'all', limit = 25): Promise<ItemPage['items']> {
    const items: ItemPage['items'][number][] = []
    let cursor: string | null = null
    do {
      const page: ItemPage = await this.getJson(`/notifications?filter=${filter}&limit=${limit}${cursor === null ? '' : `&before=${cursor}`}`)
      items.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null)
    return items
  }

  async openTab(): Promise<Tab> {
    const tab = new Tab(this.url, this.cookie)
    await tab.opened
    return tab
  }
}

/** One tab's socket, which remembers every frame it got. */
export class Tab implements AsyncDisposable {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  /** Close code, once it has closed. */
  closed: number | undefined
  readonly opened: Promise<void>

  constructor(url: string, cookie: string, origin = url) {
    const address = `${url.replace('http', 'ws')}/notifications/socket`
    this.socket = new WebSocket(address, 'belfry.v1', { headers: { cookie, origin } })
    this.socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as ServerFrame))
    this.socket.on('close', (code) => {
      this.closed = code
    })
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.on('error', reject)
    })
  }

  /** What its badge shows now. */
  get state(): HelloFrame | UnreadFrame | undefined {
    return this.frames.findLast((frame) => frame.type !== 'heartbeat')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.terminate()
    await once(this.socket, 'close')
  }
}
