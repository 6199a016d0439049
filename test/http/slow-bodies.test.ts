import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { MemoryStore, type SessionData } from 'express-session'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'

/** Longer than a process knows whose connections it has ended. */
const VERY_SLOWLY = 10_500

/** A store that can be out, and changed as another request would. */
class OutsideStore extends MemoryStore {
  out = false

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (this.out) setImmediate(callback, new Error('the store is out'))
    else super.get(id, callback)
  }

  /** Without a word to whoever listens in this process. */
  async forget(id: string): Promise<void> {
    await new Promise<void>((resolve) => super.destroy(id, () => resolve()))
  }

  async change(id: string, change: (session: SessionData) => void): Promise<void> {
    const session = await new Promise<SessionData>((resolve) => super.get(id, (_error, found) => resolve(found as SessionData)))
    change(session)
    await new Promise<void>((resolve) => super.set(id, session, () => resolve()))
  }
}

/** Somebody with one unread notification, who begins to mark all as read. */
class SlowReader implements AsyncDisposable {
  readonly host: LiveHost
  readonly store: OutsideStore
  readonly cookie: string
  readonly #socket: Socket
  readonly #rest: string
  readonly #answer: Promise<string>

  private constructor(host: LiveHost, store: OutsideStore, cookie: string, socket: Socket, body: string, accept: string) {
    this.host = host
    this.store = store
    this.cookie = cookie
    this.#socket = socket
    const head = ['POST /notifications/read-all HTTP/1.1', 'Host: x', `Cookie: ${cookie}`, 'Sec-Fetch-Site: same-origin', `Accept: ${accept}`]
    socket.write(
      [...head, 'Connection: close', 'Content-Type: application/json', `Content-Length: ${body.length}`, '', body.slice(0, 1)].join('\r\n'),
    )
    this.#rest = body.slice(1)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    this.#answer = once(socket, 'close').then(() => Buffer.concat(chunks).toString())
  }

  static async begin({ accept = 'application/json' } = {}): Promise<SlowReader> {
    const store = new OutsideStore()
    let asked = 0
    const identify = ({ session }: { session: Partial<SessionData> }) => {
      asked++
      return session.user === undefined ? null : { id: session.user }
    }
    const host = await LiveHost.start({ store, identify })
    const cookie = await host.signIn('ada')
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Still unread' })
    const upTo = (await host.notifications.list('ada')).items[0]?.cursor
    const socket = connect(host.port, '127.0.0.1')
    await once(socket, 'connect')
    asked = 0
    const reader = new SlowReader(host, store, cookie, socket, JSON.stringify({ upTo }), accept)
    await eventually(() => asked > 0, 'the request was let in')
    return reader
  }

  get sessionId(): string {
    return (
      decodeURIComponent(this.cookie)
        .replace(/^connect\.sid=s:/, '')
        .split('.')[0] ?? ''
    )
  }

  /** What is answered, and how many are unread afterwards. */
  async end(): Promise<{ status: number; location: string | undefined; unread: number }> {
    this.#socket.write(this.#rest)
    const answer = await this.#answer
    const location = /^location: (.*)\r$/im.exec(answer)?.[1]
    return { status: Number(answer.split(' ')[1]), location, unread: await this.host.notifications.unreadCount('ada') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.host[Symbol.asyncDispose]()
  }
}

const DONE = { status: 200, location: undefined, unread: 0 }
const SIGNED_OUT = { status: 401, location: undefined, unread: 1 }

describe('a mark whose body comes very slowly', { concurrency: true, timeout: 60_000 }, () => {
  it('is made by whoever is still signed in', async () => {
    await using reader = await SlowReader.begin()
    await pause(VERY_SLOWLY)
    assert.deepEqual(await reader.end(), DONE)
  })

  it('is made by a form as well, which goes back to the inbox and not to the sign-in', async () => {
    await using reader = await SlowReader.begin({ accept: 'text/html' })
    await pause(VERY_SLOWLY)
    assert.deepEqual(await reader.end(), { status: 303, location: '/notifications', unread: 0 })
  })

  it('is not made by whoever has signed out at its beginning', async () => {
    await using reader = await SlowReader.begin()
    await reader.host.visit('/sign-out', reader.cookie, 'POST')
    await pause(VERY_SLOWLY)
    assert.deepEqual(await reader.end(), SIGNED_OUT)
  })

  it('is not made by whoever has signed out at its end', async () => {
    await using reader = await SlowReader.begin()
    await pause(VERY_SLOWLY)
    await reader.host.visit('/sign-out', reader.cookie, 'POST')
    assert.deepEqual(await reader.end(), SIGNED_OUT)
  })

  it('is not made where the session is gone without a word, nobody’s any more, or somebody else’s', async () => {
    await using gone = await SlowReader.begin()
    await using nobodys = await SlowReader.begin()
    await using elses = await SlowReader.begin()
    await gone.store.forget(gone.sessionId)
    await nobodys.store.change(nobodys.sessionId, (session) => delete session.user)
    await elses.store.change(elses.sessionId, (session) => Object.assign(session, { user: 'bo' }))
    await pause(VERY_SLOWLY)
    assert.deepEqual(await gone.end(), SIGNED_OUT)
    assert.deepEqual(await nobodys.end(), SIGNED_OUT)
    assert.deepEqual(await elses.end(), SIGNED_OUT)
  })

  it('is to be tried again where nobody can tell', async () => {
    await using reader = await SlowReader.begin()
    await pause(VERY_SLOWLY)
    reader.store.out = true
    assert.deepEqual(await reader.end(), { status: 503, location: undefined, unread: 1 })
  })
})
