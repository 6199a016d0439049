import { type ServerFrame, SUBPROTOCOL } from '../notifications/protocol.js'

/** A link that has not said hello by then has failed, however open it looks; in milliseconds. */
const HELLO_WITHIN = 5000

export interface LinkEvents {
  frame(frame: ServerFrame): void
  /** The link is over, once, unless we closed it ourselves: a close code, or 0 where there is none. */
  end(code: number): void
}

/** One attempt at a live connection, by socket or by server-sent events. */
export interface Link {
  /** Asks for the present state; a link that then stays silent is given up soon. False where the link can't ask. */
  sync(): boolean
  close(): void
}

/** Opens a socket. Silent for two heartbeats, it is given up: a dead peer tells nobody that it is dead. */
export function openSocket(base: string, query: string, events: LinkEvents): Link {
  const url = new URL(`${base}/socket${query}`, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  const socket = new WebSocket(url, SUBPROTOCOL)
  const watch = watchSilence(
    events,
    () => socket.close(),
    () => socket.send('{"type":"sync"}'),
  )
  socket.onmessage = ({ data }) => watch.heard(data)
  socket.onclose = ({ code }) => watch.end(code)
  return watch
}

/** The same frames as server-sent events. We come back by our own rules, so the browser's own retries are cut short. */
export function openStream(base: string, query: string, events: LinkEvents): Link {
  const source = new EventSource(`${base}/stream${query}`)
  const watch = watchSilence(events, () => source.close())
  for (const type of ['hello', 'unread', 'heartbeat'] as const satisfies readonly ServerFrame['type'][]) {
    source.addEventListener(type, ({ data }: MessageEvent) => watch.heard(data))
  }
  source.onerror = () => watch.end(0)
  return watch
}

function watchSilence(events: LinkEvents, cut: () => void, ask?: () => void) {
  let over = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let patience = HELLO_WITHIN
  let greeted = false
  const close = () => {
    over = true
    clearTimeout(timer)
    cut()
  }
  const end = (code: number) => {
    if (over) return
    close()
    events.end(code)
  }
  const sync = () => {
    if (!ask || !greeted) return false
    ask()
    wait(HELLO_WITHIN)
    return true
  }
  const wait = (ms: number) => {
    clearTimeout(timer)
    const due = Date.now() + ms
    // A timer that comes late says that we slept, not that the peer did: ask before judging.
    timer = setTimeout(() => (Date.now() - due > 2000 && sync()) || end(0), ms)
  }
  wait(patience)
  return {
    end,
    close,
    sync,
    heard(text: string) {
      if (over) return
      const frame = parse(text)
      if (frame?.type === 'hello') {
        greeted = true
        patience = frame.heartbeat * 2000
      }
      wait(patience)
      if (frame) events.frame(frame)
    },
  }
}

function parse(text: string): ServerFrame | undefined {
  try {
    return JSON.parse(text) as ServerFrame
  } catch {
    return undefined
  }
}
