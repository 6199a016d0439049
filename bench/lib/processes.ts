import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const benchFolder = fileURLToPath(new URL('..', import.meta.url))
const programs = join(tmpdir(), 'belfry-bench-programs')

/** Compiles a C program of `load/`, where it changed since, and returns the path of it. */
export function compiled(name: string): string {
  const source = join(benchFolder, 'load', `${name}.c`)
  const target = join(programs, name)
  const newest = Math.max(statSync(source).mtimeMs, statSync(join(benchFolder, 'load/net.h')).mtimeMs)
  if (existsSync(target) && statSync(target).mtimeMs > newest) return target
  mkdirSync(programs, { recursive: true })
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', target, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The load programs need a C compiler (cc): ${error?.message ?? stderr}`)
  return target
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** A server of `servers/` in a process of its own, which is asked over IPC. */
export class Server implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #asked = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #last = 0
  port = 0

  private constructor(child: ChildProcess, file: string) {
    this.#child = child
    child.on('message', ({ id, result, error }: Answer) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (error === undefined) asked?.resolve(result)
      else asked?.reject(new Error(`${file}: ${error}`))
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`The server ${file} ended with ${code ?? signal}.`))
    })
  }

  static async start(file: string, settings: object = {}): Promise<Server> {
    const child = fork(join(benchFolder, 'servers', `${file}.mjs`), [JSON.stringify(settings)], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const server = new Server(child, file)
    server.port = (await server.ask<{ port: number }>('listen')).port
    return server
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  ask<Result = unknown>(what: string, details: object = {}): Promise<Result> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: (result) => resolve(result as Result), reject })
      this.#child.send({ id, what, ...details })
    })
  }

  /** Processor seconds of the whole process, as the operating system counts them. */
  cpu(): Promise<number> {
    return this.ask('cpu')
  }

  /** Resident bytes after garbage collection. */
  async memory(): Promise<number> {
    await this.ask('gc')
    return residentBytes(this.pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.#child, () => this.#child.kill('SIGKILL'))
  }
}

/** A program that takes lines and prints a line of JSON for each thing that it has done. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(path: string, args: readonly (string | number)[]) {
    const child = spawn(path, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async next<Line>(): Promise<Line> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#child.spawnfile} ended before it answered.`)
    return JSON.parse(value)
  }

  ask<Line>(line: string): Promise<Line> {
    this.#child.stdin?.write(`${line}\n`)
    return this.next()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.#child, () => this.#child.stdin?.end())
  }
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  end()
  await exit
}

export function residentBytes(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** Processor seconds of a process that cannot be asked; the clock for this ticks every 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Nanoseconds of the monotonic clock, which the servers and the load programs read, too. */
export const now = (): number => Number(process.hrtime.bigint())
