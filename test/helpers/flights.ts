import type { Page } from 'playwright-core'
import { eventually } from './eventually.js'

/** To be run in each page before its own scripts: a socket shows outside only when its request leaves, which may be long after it was made. */
export const WATCH_SOCKETS = `
  window.sockets = []
  window.WebSocket = class extends WebSocket {
    constructor(...asked) {
      super(...asked)
      sockets.push(this)
    }
  }`

/** What a page has asked for and not been answered: while there is any, a clock that is moved on makes answers come too late. */
export class Flights {
  readonly #page: Page
  readonly #open = new Map<object, string>()

  constructor(page: Page) {
    this.#page = page
    const over = (asked: object) => void this.#open.delete(asked)
    page.on('request', (request) => this.#open.set(request, request.url()))
    page.on('requestfinished', over)
    page.on('requestfailed', over)
    // A stream is never finished: its head is the answer.
    page.on('response', (response) => response.url().includes('/stream') && over(response.request()))
    page.on('websocket', (socket) => {
      this.#open.set(socket, socket.url())
      for (const answered of ['framereceived', 'socketerror', 'close'] as const) socket.on(answered as 'close', () => over(socket))
    })
  }

  /** Waits until all is answered, and what was asked on that account, too; `never` tells what is not waited for. Needs WATCH_SOCKETS. */
  async land(never: (url: string) => boolean): Promise<void> {
    const waited = () => [...this.#open.values()].filter((url) => !never(url))
    await eventually(
      async () => {
        if (waited().length > 0) return false
        const connecting = await this.#page.evaluate(CONNECTING)
        return waited().length === 0 && (connecting === false || never('/socket'))
      },
      () => `no answer to ${waited().join(', ') || 'a socket'}`,
    )
  }
}

const CONNECTING = 'sockets.some(({ readyState }) => readyState === WebSocket.CONNECTING)'
