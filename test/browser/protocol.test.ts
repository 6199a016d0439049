import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type WebSocket, WebSocketServer } from 'ws'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const script = readFileSync(new URL('../../public/build/belfry.js', import.meta.url))
const state = (version: number, unread: number, epoch = 'e') => ({ epoch, version, unread })

/** A server that says and does what a test wants, right or wrong. */
class Puppet implements AsyncDisposable {
  unread: object = state(1, 0)
  polls = 0
  readonly sockets: WebSocket[] = []
  /** What clients sent. */
  readonly heard: string[] = []
  readonly url: string
  readonly #server: Server
  readonly #page: string

  private constructor(server: Server, page: string) {
    this.#server = server
    this.#page = page
    this.url = `http://localhost:${(server.address() as AddressInfo).port}/`
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => {
      this.sockets.push(socket)
      socket.on('message', (data) => this.heard.push(String(data)))
    })
    server.on('request', (req, res) => {
      if (req.url === '/') res.setHeader('content-type', 'text/html').end(this.#page)
      else if (req.url === '/belfry.js') res.setHeader('content-type', 'text/javascript').end(script)
      else if (req.url?.startsWith('/notifications/unread')) {
        this.polls++
        res.setHeader('content-type', 'application/json').end(JSON.stringify(this.unread))
      } else res.writeHead(404).end()
    })
  }

  static async start(): Promise<Puppet> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const bell = `<notification-bell unread="0" data-base="/notifications" data-user="u" data-epoch="e" data-version="1">
      <a class="belfry-bell" href="/notifications" aria-label="Notifications"><span class="belfry-badge"></span></a><span role="status"></span></notification-bell>`
    return new Puppet(server, `<!doctype html><html lang="en"><title>Puppet</title><script type="module" src="/belfry.js"></script>${bell}`)
  }

  /** The socket that the page has now; the next one after `seen` others. */
  async socket(seen = 0): Promise<WebSocket> {
    await eventually(
      () => this.sockets.length > seen,
      () => 'no socket was opened',
      10_000,
    )
    return this.sockets.at(-1) as WebSocket
  }

  async greet(unread = state(1, 0), heartbeat = 25): Promise<WebSocket> {
    const socket = await this.socket(this.sockets.length === 0 ? 0 : this.sockets.length - 1)
    socket.send(JSON.stringify({ type: 'hello', ...unread, heartbeat, reconnectWithin: 1 }))
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

async function open(puppet: Puppet): Promise<Page> {
  const context = await browser.newContext()
  await context.clock.install()
  return openTab(context, puppet.url)
}

describe('the client and the protocol', () => {
  it('shows the newest state, whatever else comes and in whatever order', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    const socket = await puppet.greet(state(5, 3))
    await expectBadge(page, '3')
    const late = { type: 'unread', ...state(4, 9) }
    for (const frame of [
      late,
      { type: 'unread', ...state(5, 7) },
      { type: 'news', ...state(9, 9) },
      null,
      17,
      [],
      { type: 'heartbeat', version: 5 },
    ]) {
      socket.send(JSON.stringify(frame))
    }
    socket.send('this is not JSON')
    socket.send(JSON.stringify({ type: 'unread', ...state(6, 2) }))
    await expectBadge(page, '2')
    assert.deepEqual((await shownBy(page)).badge, ['', '3', '2'])
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('tells a screen reader every half minute of arrivals that never pause, and of the rest when they do', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    const socket = await puppet.greet(state(1, 0))
    await expectConnection(page, 'live')
    await page.evaluate(`{
      const status = document.querySelector('[role=status]')
      window.told = []
      new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true })
    }`)
    for (let n = 1; n <= 40; n++) {
      socket.send(JSON.stringify({ type: 'unread', ...state(n + 1, n), latest: { id: `${n}`, title: `Number ${n}` } }))
      await expectBadge(page, `${n}`)
      await page.clock.runFor(1000)
    }
    await page.clock.runFor(3000)
    const told = (await page.evaluate('told')) as string[]
    // The page's clock goes on by itself, too, while it waits.
    const counts = told.slice(1).map((words) => Number.parseInt(words, 10))
    assert.deepEqual([told.length, told[0], counts.reduce((sum, count) => sum + count)], [3, 'New notification: Number 1. 1 unread', 39], told.join())
    assert.ok((counts[0] ?? 0) > 20, told.join())
    await page.context().close()
  })

  it('starts anew when the epoch is another, though the version is lower', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    const socket = await puppet.greet(state(50, 3))
    await expectBadge(page, '3')
    socket.send(JSON.stringify({ type: 'unread', ...state(2, 1, 'restored') }))
    await expectBadge(page, '1')
    await page.context().close()
  })

  it('announces an arrival by its title, one that it only counted by the count, and no mark', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    const socket = await puppet.greet(state(5, 3))
    await expectBadge(page, '3')
    const said = `document.querySelector('[role=status]').textContent`
    socket.send(JSON.stringify({ type: 'unread', ...state(6, 4), latest: { id: 'a', title: 'Lunch at noon' } }))
    await expectText(page, said, 'New notification: Lunch at noon. 4 unread')
    await page.clock.runFor(4000)
    socket.send(JSON.stringify({ type: 'unread', ...state(7, 5) }))
    await expectBadge(page, '5')
    await expectText(page, said, 'New notification: Lunch at noon. 4 unread')
    socket.close(1012)
    await puppet.socket(1)
    await puppet.greet(state(8, 6))
    await expectText(page, said, '1 new notification. 6 unread')
    await page.context().close()
  })

  it('asks for the state when a heartbeat shows that it missed a version', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    const socket = await puppet.greet(state(5, 3))
    await expectBadge(page, '3')
    socket.send(JSON.stringify({ type: 'heartbeat', version: 5 }))
    socket.send(JSON.stringify({ type: 'heartbeat', version: 6 }))
    await eventually(
      () => puppet.heard.length > 0,
      () => 'nothing was asked',
    )
    assert.deepEqual(puppet.heard, ['{"type":"sync"}'])
    await page.context().close()
  })

  it('takes a socket that opens and says nothing for a failed one', async () => {
    await using puppet = await Puppet.start()
    puppet.unread = state(2, 4)
    const page = await open(puppet)
    await puppet.socket()
    await expectBadge(page, '4', 10_000)
    await expectConnection(page, 'polling', 10_000)
    await page.context().close()
  })

  it('comes back after a clean close, too', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    ;(await puppet.greet()).close(1000)
    await puppet.socket(1)
    await puppet.greet(state(3, 1))
    await expectBadge(page, '1')
    await page.context().close()
  })

  it('comes back after 1012 within the time that the server named', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    ;(await puppet.greet()).close(1012)
    await puppet.socket(1)
    await page.context().close()
  })

  it('stops on 4401, and says so', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    ;(await puppet.greet()).close(4401)
    await expectConnection(page, 'signed-out')
    await page.clock.runFor(130_000)
    assert.deepEqual([puppet.sockets.length, puppet.polls], [1, 0])
    await page.context().close()
  })

  it('polls after 4408, and climbs again later', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    ;(await puppet.greet()).close(4408)
    await expectConnection(page, 'polling')
    puppet.unread = state(2, 6)
    await page.clock.runFor(31_000)
    await expectBadge(page, '6')
    assert.equal(puppet.sockets.length, 1)
    await page.clock.runFor(30_000)
    await puppet.socket(1)
    await page.context().close()
  })

  it('opens no other connection after 4429 until the person acts; polling keeps the badge right', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    ;(await puppet.greet()).close(4429)
    await expectConnection(page, 'polling')
    for (let round = 1; round <= 5; round++) {
      puppet.unread = state(1 + round, 5 + round)
      await page.clock.runFor(30_000)
      // The next poll is due 30 s after this one's answer was taken, not after it was asked: only the badge tells.
      await expectBadge(page, `${5 + round}`)
      assert.equal(puppet.polls, round)
    }
    assert.equal(puppet.sockets.length, 1)
    await page.getByRole('button', { name: 'Notifications, 10 unread' }).click()
    await puppet.socket(1)
    await page.context().close()
  })

  it('believes that it is offline only when the server cannot be reached either', async () => {
    await using puppet = await Puppet.start()
    const page = await open(puppet)
    await puppet.greet()
    await expectConnection(page, 'live')
    await page.evaluate(`window.dispatchEvent(new Event('offline'))`)
    await eventually(
      () => puppet.polls === 1,
      () => 'nothing was asked',
    )
    await expectConnection(page, 'live')
    await page.context().setOffline(true)
    await expectConnection(page, 'offline')
    await page.context().setOffline(false)
    await puppet.socket(1)
    await puppet.greet(state(2, 1))
    await expectBadge(page, '1')
    await expectConnection(page, 'live')
    await page.context().close()
  })
})
