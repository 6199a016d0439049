/**
 * A process with thousands of sockets in it, each of somebody else: opens one for each cookie that it is sent, and says, when it is asked, how many there
 * are and what they show. It reads only what it must, for it shares the machine with the server.
 */
import { connect, type Socket } from 'node:net'
import type { Call, Crowd } from './crowd.js'
import { handshake } from './raw-upgrade.js'

const AT_ONCE = 128
/** Masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])

/** By what a badge shows, how many show it. */
const showing = new Map<number, number>()
/** By why a socket was not opened, or ended, how many. */
const lost = new Map<string, number>()

const count = <Key>(of: Map<Key, number>, key: Key, by = 1) => of.set(key, (of.get(key) ?? 0) + by)

/** Resolves once it shows something, or is lost. */
function open(port: number, cookie: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(handshake({ port, headers: { Cookie: cookie } })))
    let shown: number | undefined
    let rest = ''
    let why = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      if (rest === '' && shown === undefined && !text.startsWith('HTTP/1.1 101 ')) why = text.slice(0, text.indexOf('\r\n'))
      rest = read(socket, rest + text, (next) => {
        if (shown !== undefined) count(showing, shown, -1)
        shown = next
        count(showing, shown)
        resolve()
      })
    })
    socket.on('error', ({ message }) => {
      why ||= message
    })
    socket.on('close', () => {
      if (shown !== undefined) count(showing, shown, -1)
      count(lost, why || 'closed by the server')
      resolve()
    })
  })
}

/** Returns what may be the beginning of something that is not there whole yet. */
function read(socket: Socket, text: string, show: (unread: number) => void): string {
  let end = 0
  for (const found of text.matchAll(/"unread":(\d+)[,}]|"type":"heartbeat"/g)) {
    if (found[1] === undefined) socket.write(PONG)
    else show(Number(found[1]))
    end = found.index + found[0].length
  }
  return text.slice(Math.max(end, text.length - 40))
}

process.on('message', async ({ port, cookies }: Call) => {
  const waiting = cookies[Symbol.iterator]()
  const opener = async () => {
    for (const cookie of waiting) await open(port, cookie)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, opener))
  process.send?.({ showing: Object.fromEntries(showing), lost: Object.fromEntries(lost) } satisfies Crowd)
})
process.on('disconnect', () => process.exit())
