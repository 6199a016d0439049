import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import express from 'express'
import WebSocket from 'ws'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { blocksOf, blockWith } from '../examples/blocks.js'
import { eventually } from '../helpers/eventually.js'
import { Folder, Served, sessions } from './served.js'

const PAGE = 'protocol.md'

async function host(heartbeat = 25) {
  const { middleware, signIn } = sessions()
  const fake = fakeNotifications({
    session: middleware,
    heartbeat,
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
  })
  const app = express().use(middleware).use(fake.basePath, fake.router())
  app.post('/sign-out', (req, res) => req.session.destroy(() => res.send('out')))
  const served = await Served.start(app, (server) => fake.attach(server), fake)
  return { fake, served, signIn, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

/** The example on the page that contains a text, as JSON. */
const example = (part: string) => JSON.parse(blockWith(PAGE, part)) as Record<string, unknown>
/** The names and kinds of everything in a value: what a client written by the page relies on. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape)
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
}

const DRAFT = {
  to: { user: 'ada' },
  title: 'Bo commented',
  body: 'Well said!',
  url: '/posts/1#c9',
  category: 'comments',
  data: { from: 'bo' },
} as const

describe('docs/protocol.md', () => {
  it('shows the state, the list and errors as they are', async () => {
    await using there = await host()
    const cookie = await there.signIn('ada')
    await there.fake.notify(DRAFT)
    const json = async (path: string) => (await there.served.get(path, cookie, { accept: 'application/json' })).json()
    assert.deepEqual(shape(await json('/notifications/unread')), shape(JSON.parse(blocksOf(PAGE)[0]?.code ?? '')))
    assert.deepEqual(shape(await json('/notifications')), shape(example('"items"')))
    const refused = await there.served.post('/notifications/read-all', cookie, { accept: 'application/json' })
    const problem = (await refused.json()) as Record<string, unknown>
    assert.deepEqual(shape(problem), shape(example('"errors"')))
    const { detail, errors, ...fixed } = example('"errors"')
    assert.deepEqual({ ...problem, detail, errors }, { ...fixed, detail, errors })
  })

  it('shows the frames as they are', async () => {
    await using there = await host(0.2)
    const socket = new WebSocket(`${there.served.url.replace('http', 'ws')}/notifications/socket`, 'belfry.v1', {
      headers: { cookie: await there.signIn('ada'), origin: there.served.url },
    })
    const frames = new Map<string, object>()
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as { type: string }
      frames.set(frame.type, frame)
    })
    await once(socket, 'open')
    await there.fake.notify(DRAFT)
    await eventually(
      () => ['hello', 'unread', 'heartbeat'].every((type) => frames.has(type)),
      () => [...frames.keys()].join(),
    )
    const shown = (type: string) => shape(example(`"type": "${type}"`))
    assert.deepEqual(shape(frames.get('hello')), shown('hello'))
    assert.deepEqual(shape(frames.get('heartbeat')), shown('heartbeat'))
    const { latest, ...unread } = frames.get('unread') as { latest: object }
    const { latest: shownLatest, ...shownUnread } = example('"type": "unread"') as { latest: object }
    assert.deepEqual(shape(unread), shape(shownUnread))
    const [item] = example('"items"').items as object[]
    assert.deepEqual(shape(latest), shape(item))
    assert.ok(Object.keys(shownLatest).every((key) => key in latest))
    const before = frames.get('unread')
    socket.send(blockWith(PAGE, '"type": "sync"'))
    await eventually(
      () => frames.get('unread') !== before,
      () => 'no answer to sync',
    )
    socket.terminate()
  })

  it('shows the handshake byte for byte', async () => {
    await using there = await host()
    const { host: name, port } = new URL(there.served.url)
    const text = blockWith(PAGE, 'Sec-WebSocket-Key')
      .replace('Host: app.example', `Host: ${name}`)
      .replace('https://app.example', there.served.url)
      .replace('connect.sid=…', await there.signIn('ada'))
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`${text.replaceAll('\n', '\r\n')}\r\n`)
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: belfry\.v1/)
    socket.destroy()
  })

  it('shows the event stream as it is', async () => {
    await using there = await host()
    const answer = await there.served.get('/notifications/stream', await there.signIn('ada'), { accept: 'text/event-stream' })
    const chunks = answer.body?.pipeThrough(new TextDecoderStream()) ?? assert.fail()
    let text = ''
    for await (const chunk of chunks) {
      text += chunk
      if (/^data: .*\n\n/m.test(text)) break
    }
    const fields = (event: string) => [...event.matchAll(/^(event|id|data): (.*)$/gm)].map(([, field, content]) => [field, content ?? ''] as const)
    const [told, shown] = [fields(text), fields(blockWith(PAGE, 'event: hello'))]
    assert.deepEqual(told.map(([field]) => field).toSorted(), shown.map(([field]) => field).toSorted())
    const of = (list: typeof told, field: string) => list.find(([name]) => name === field)?.[1] ?? ''
    assert.equal(of(told, 'event'), 'hello')
    const state = JSON.parse(of(told, 'data')) as { epoch: string; version: number }
    assert.equal(of(told, 'id'), `${state.epoch}-${state.version}`)
    assert.deepEqual(shape(state), shape(JSON.parse(of(shown, 'data'))))
  })

  const skip = spawnSync('python3', ['--version']).error === undefined ? false : 'python3 is not installed'
  it('has a whole client in Python that keeps its badge right, through a restart of the stream, until the sign-out', { skip }, async () => {
    await using there = await host()
    using folder = new Folder()
    writeFileSync(folder.file('client.py'), blockWith(PAGE, 'class Badge'))
    const cookie = await there.signIn('ada')
    await using client = new Client(folder.file('client.py'), `${there.served.url}/notifications`, cookie)
    const shows = (badges: string[]) =>
      eventually(
        () => JSON.stringify(client.badges) === JSON.stringify(badges),
        () => `it showed ${JSON.stringify(client.badges)}`,
        15_000,
      )
    await shows([''])
    await there.fake.notify(DRAFT)
    await shows(['', '1'])
    there.served.server.closeAllConnections()
    await there.fake.notify(DRAFT)
    await shows(['', '1', '2'])
    await there.served.post('/sign-out', cookie)
    await shows(['', '1', '2', 'signed out'])
    assert.deepEqual(await client.ended, [0, null])
  })
})

class Client implements AsyncDisposable {
  readonly ended: Promise<unknown[]>
  readonly #child: ChildProcess
  #output = ''

  constructor(...command: string[]) {
    this.#child = spawn('python3', command, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.ended = once(this.#child, 'exit')
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString()
    })
  }

  /** What it showed, line by line. */
  get badges(): string[] {
    return this.#output.split('\n').slice(0, -1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
