import { compiled, Program } from './processes.js'

/** What a crowd of sockets counted; times in nanoseconds of the monotonic clock. */
export interface Counts {
  readonly frames: number
  readonly bytes: number
  /** Connections that have all frames that were expected. */
  readonly complete: number
  readonly lost: number
  readonly first: number
  /** When half of the connections, and 99 of 100, were complete. */
  readonly half: number
  readonly p99: number
  readonly last: number
  /** Processor seconds of the load program since it began to count. */
  readonly cpu: number
}

/** How a contestant speaks: what a ready connection and a counted frame look like. */
export interface Dialect {
  readonly path: string
  readonly protocol?: string
  readonly hello?: string
  readonly say?: string
  readonly count: string
  readonly question?: string
  readonly answer?: string
}

export const dialects = {
  belfry: { path: '/notifications/socket', protocol: 'belfry.v1', hello: '{"type":"hello"', count: '{"type":"unread"' },
  socketio: { path: '/socket.io/?EIO=4&transport=websocket', say: '40', hello: '40', count: '42', question: '2', answer: '3' },
  ws: { path: '/', count: '{"type":"unread"' },
  uws: { path: '/', count: '{"type":"unread"' },
  nchan: { path: '/sub', count: '{"type":"unread"' },
  floor: { path: '/', count: '{"type":"unread"' },
} as const satisfies Record<string, Dialect>

/** Many open WebSocket connections in one C program. */
export class Sockets implements AsyncDisposable {
  readonly #program: Program
  /** How long all of them took to open, in seconds. */
  readonly seconds: number

  private constructor(program: Program, seconds: number) {
    this.#program = program
    this.seconds = seconds
  }

  /** Resolves when all are ready; throws where one was refused. */
  static async open(port: number, dialect: Dialect, cookies: string, connections: number, atOnce = 64): Promise<Sockets> {
    const { path, ...named } = dialect
    const options = Object.entries({ ...named, 'at-once': atOnce }).flatMap(([name, value]) => [`--${name}`, value])
    const program = new Program(compiled('sockets'), [port, path, cookies, connections, ...options])
    const { lost, seconds } = await program.next<{ lost: number; seconds: number }>()
    if (lost > 0) throw new Error(`${lost} of ${connections} connections were lost while they opened.`)
    return new Sockets(program, seconds)
  }

  /** Does something that sends `frames` frames to each connection, and resolves when they have arrived. */
  expect<Result>(frames: number, act: () => Promise<Result>): Promise<Counts & { readonly result: Result }> {
    return this.#await(`expect ${frames}`, act)
  }

  /** The same for so many frames in all, whoever gets them. */
  frames<Result>(frames: number, act: () => Promise<Result>): Promise<Counts & { readonly result: Result }> {
    return this.#await(`frames ${frames}`, act)
  }

  async #await<Result>(command: string, act: () => Promise<Result>): Promise<Counts & { readonly result: Result }> {
    await this.#program.ask(command)
    const result = await act()
    return { ...(await this.#program.next<Counts>()), result }
  }

  /** Counts from 0 again. */
  async reset(): Promise<void> {
    await this.#program.ask('expect 0')
  }

  /** What has come since the last reset, as soon as nothing more comes. */
  async settled(): Promise<Counts> {
    let before = await this.#program.ask<Counts>('total')
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      const counts = await this.#program.ask<Counts>('total')
      if (counts.frames === before.frames) return counts
      before = counts
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]()
  }
}

/** What a crowd of requests was answered; latencies in milliseconds. */
export interface Answers {
  readonly requests: number
  readonly seconds: number
  readonly cpu: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
  readonly statuses: Readonly<Record<string, number>>
}

export interface RequestOptions {
  readonly connections?: number
  readonly seconds?: number
  /** Microseconds between two requests; without it each connection asks again as soon as it was answered. */
  readonly every?: number
  /** Where to write when each request was due and how long its answer took. */
  readonly samples?: string
}

/** Begins to send requests: `next` resolves with the answers, `ask('stop')` ends it early. */
export function startRequests(port: number, file: string, options: RequestOptions): Program {
  return new Program(compiled('requests'), [port, file, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])])
}

export async function sendRequests(port: number, file: string, options: RequestOptions): Promise<Answers> {
  await using program = startRequests(port, file, options)
  return await program.next<Answers>()
}

/** The file that `requests` sends: each request with its length before it. */
export function requestsFile(requests: readonly string[]): string {
  return requests.map((text) => `${Buffer.byteLength(text)}\n${text}`).join('')
}

export function request(method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const all = { Host: '127.0.0.1', ...headers, ...(body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
