import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.js'
import { LiveHost } from '../helpers/live-host.js'
import { handshake, openRaw } from '../helpers/raw-upgrade.js'

/** A client's frame, masked; `first` is its first byte. */
function frame(first: number, payload: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(payload)
  const length = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 0xff]
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])
  return Buffer.concat([Buffer.from([first, ...length]), mask, bytes.map((byte, i) => byte ^ (mask[i & 3] ?? 0))])
}

const [TEXT, CLOSE, PING, PONG] = [0x81, 0x88, 0x89, 0x8a]
const SYNC = frame(TEXT, '{"type":"sync"}')

/** Ada's client, which writes bytes as it likes and keeps all that it is sent. */
class Raw implements AsyncDisposable {
  readonly #host: LiveHost
  readonly #socket: Socket
  readonly #port: number | undefined
  heard = Buffer.alloc(0)
  ended = false

  private constructor(host: LiveHost, socket: Socket) {
    this.#host = host
    this.#socket = socket
    this.#port = socket.localPort
    socket.on('data', (bytes) => {
      this.heard = Buffer.concat([this.heard, bytes])
    })
    socket.on('end', () => {
      this.ended = true
    })
  }

  static async open(): Promise<Raw> {
    const host = await LiveHost.start()
    const raw = new Raw(host, await openRaw(host.port))
    raw.write(handshake({ port: host.port, headers: { Cookie: await host.signIn('ada') } }))
    await raw.hears('"type":"hello"')
    return raw
  }

  /** The server's side, while it has it. */
  get #held(): Socket | undefined {
    return [...this.#host.sockets].find((socket) => socket.remotePort === this.#port)
  }

  /** Whether the server still has its side. */
  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** Bytes that the server holds back for this client. */
  get backlog(): number {
    return this.#held?.writableLength ?? 0
  }

  /** Reads nothing from now on, and all that lies between is full. */
  stopReading(): void {
    this.#socket.pause()
    while (this.#held?.writableLength === 0) this.#held.write(Buffer.alloc(65_536))
  }

  readOn(): void {
    this.#socket.resume()
  }

  /** Writes, and waits until the server has read it. */
  async tell(...chunks: Buffer[]): Promise<void> {
    const until = (this.#held?.bytesRead ?? 0) + Buffer.concat(chunks).length
    this.write(...chunks)
    await eventually(
      () => this.#held === undefined || this.#held.bytesRead >= until,
      () => 'the server does not read',
    )
  }

  write(...chunks: Buffer[]): void {
    for (const chunk of chunks) this.#socket.write(chunk)
  }

  /** As one who reads only after all has gone. */
  async sendBeforeReading(bytes: Buffer): Promise<void> {
    this.#socket.pause()
    await new Promise<void>((resolve, reject) => this.#socket.write(bytes, (error) => (error ? reject(error) : resolve())))
    this.#socket.resume()
  }

  /** Each byte in a packet of its own. */
  async dribble(bytes: Buffer): Promise<void> {
    this.#socket.setNoDelay()
    for (const byte of bytes) {
      this.#socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async hears(what: string | Buffer, times = 1): Promise<void> {
    await eventually(
      () => this.heard.toString('latin1').split(Buffer.from(what).toString('latin1')).length > times,
      () => `${Buffer.from(what).toString('hex')} expected ${times} times, heard ${this.heard.toString('latin1')}`,
    )
  }

  /** Hears a close with this code, the end, and the server has let go although this client never does. */
  async isClosed(code: number | undefined): Promise<void> {
    const reason = code === undefined ? [] : [code >> 8, code & 0xff]
    await this.hears(Buffer.from([CLOSE, reason.length, ...reason]))
    await this.isGone()
  }

  async isGone(within = 3000): Promise<void> {
    await eventually(
      async () => this.ended && !this.isHeld && (await this.#host.metric('belfry_connections')) === 0,
      () => `ended: ${this.ended}, held: ${this.isHeld}`,
      within,
    )
  }

  /** Sends its end without a word. */
  end(): void {
    this.#socket.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.#host[Symbol.asyncDispose]()
  }
}

test('a close is answered with its own code, and the socket is gone', async () => {
  await using client = await Raw.open()
  client.write(frame(CLOSE, Buffer.from([0x03, 0xe9, 0x62, 0x79, 0x65])))
  await client.isClosed(1001)
})

test('a close without a code is answered without one', async () => {
  await using client = await Raw.open()
  client.write(frame(CLOSE))
  await client.isClosed(undefined)
})

test('what comes behind a close is not read', async () => {
  await using client = await Raw.open()
  client.write(Buffer.concat([frame(CLOSE, Buffer.from([0x03, 0xe8])), frame(PING, 'late')]))
  await client.isClosed(1000)
  assert.equal(client.heard.includes('late'), false)
})

test('a ping is answered with what it says, whole, in pieces, and two at once', async () => {
  await using client = await Raw.open()
  client.write(frame(PING, 'whole'))
  await client.hears(Buffer.concat([Buffer.from([PONG, 5]), Buffer.from('whole')]))
  await client.dribble(frame(PING, 'pieces'))
  await client.hears(Buffer.concat([Buffer.from([PONG, 6]), Buffer.from('pieces')]))
  client.write(Buffer.concat([frame(PING, 'one'), frame(PING, 'two')]))
  await client.hears(Buffer.from([PONG, 3, ...Buffer.from('one'), PONG, 3, ...Buffer.from('two')]))
})

test('of the pings of a client that does not read, the last is answered once it does, and nothing is kept for the others', async () => {
  await using client = await Raw.open()
  client.stopReading()
  const { backlog } = client
  await client.tell(frame(PING, 'ping by itself'))
  await client.tell(...Array.from({ length: 500 }, (_, i) => frame(PING, `ping ${i}`.padEnd(125))))
  await client.tell(frame(PING, 'the last'))
  assert.equal(client.backlog, backlog)
  client.readOn()
  await client.hears(Buffer.concat([Buffer.from([PONG, 8]), Buffer.from('the last')]))
  assert.equal(client.heard.includes('ping '), false)
  client.write(frame(PING, 'again'))
  await client.hears(Buffer.concat([Buffer.from([PONG, 5]), Buffer.from('again')]))
})

test('a sync in pieces, and one in fragments with a ping between them, are answered', async () => {
  await using client = await Raw.open()
  await client.dribble(SYNC)
  await client.hears('"type":"unread"')
  client.write(frame(0x01, '{"type":'), frame(PING, 'between'), frame(0x80, '"sync"}'))
  await client.hears('between')
  await client.hears('"type":"unread"', 2)
})

for (const [what, bytes, code] of [
  ['a frame that is not masked', Buffer.from([TEXT, 2, 0x68, 0x69]), 1002],
  ['a reserved bit', frame(0xc1, '{}'), 1002],
  ['an opcode that does not exist', frame(0x83, '{}'), 1002],
  ['a continuation of nothing', frame(0x80, '{}'), 1002],
  ['a ping in fragments', frame(0x09, 'x'), 1002],
  ['a ping of more than 125 bytes', frame(PING, 'x'.repeat(126)), 1002],
  ['a close with a code that must not be sent', frame(CLOSE, Buffer.from([0x03, 0xee])), 1002],
  ['a close of one byte', frame(CLOSE, 'x'), 1002],
  ['text that is not UTF-8', frame(TEXT, Buffer.from([0xc3, 0x28])), 1007],
  ['a frame that announces more than 1,024 bytes', frame(TEXT, 'x'.repeat(1025)).subarray(0, 8), 1009],
  ['a megabyte of rubbish', Buffer.alloc(1 << 20, 0xff), 1002],
] as const) {
  test(`${what} closes the socket with ${code}, and it is gone although its client never lets go`, async () => {
    await using client = await Raw.open()
    client.write(bytes)
    await client.isClosed(code)
  })
}

test('the middle of a frame is not taken for a frame, whatever it looks like', async () => {
  await using client = await Raw.open()
  const middle = frame(PING, 'never')
  const whole = frame(TEXT, Buffer.alloc(8 + middle.length, 0xff))
  await client.dribble(whole.subarray(0, 14))
  client.write(middle)
  await client.isClosed(1007)
  assert.equal(client.heard.includes('never'), false)
})

for (const [what, bytes, code] of [
  ['what was wrong', frame(TEXT, Buffer.from([0xc3, 0x28])), 0xef],
  ['that a megabyte of what it sent is rubbish', Buffer.alloc(1 << 20, 0xff), 0xea],
] as const) {
  test(`a client that lets go when it is told ${what} is gone before anybody would cut it off`, async () => {
    await using client = await Raw.open()
    client.write(bytes)
    await client.hears(Buffer.from([CLOSE, 2, 0x03, code]))
    client.end()
    await client.isGone(1000)
  })
}

test('a client that sends megabytes before it reads can send them all, and then reads what was wrong', async () => {
  await using client = await Raw.open()
  const size = 16 << 20
  const head = Buffer.alloc(14)
  head.writeUInt16BE(0x81ff)
  head.writeUInt32BE(size, 6)
  await client.sendBeforeReading(Buffer.concat([head, Buffer.alloc(size)]))
  await client.isClosed(1009)
})

test('a client that ends without a word is gone', async () => {
  await using client = await Raw.open()
  client.end()
  await client.isGone()
})
