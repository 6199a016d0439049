import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url))

/** The app as an operator runs it: a process of its own, on a free port, with its data in a folder of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly folder: string
  readonly database: string
  readonly admin = { username: 'admin', password: 'a password for tests' }
  url = ''
  output = ''
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess | undefined

  private constructor(settings: Readonly<Record<string, string>>) {
    this.folder = mkdtempSync(join(tmpdir(), 'belfry-server-'))
    this.database = join(this.folder, 'belfry.db')
    this.#settings = settings
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const server = new ServerProcess(settings)
    await server.start()
    return server
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Starts it (again), on the same port where it had one. */
  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port
    const env = {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: this.database,
      PORT: port,
      ADMIN_PASSWORD: this.admin.password,
      LOG_LEVEL: 'warn',
      ...this.#settings,
    }
    const child = spawn(process.execPath, ['--import', 'tsx', bin, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.url = await new Promise<string>((resolve, reject) => {
      const heard = (chunk: Buffer) => {
        this.output += chunk.toString()
        const url = /http:\/\/[^\s/]+/.exec(this.output)?.[0]
        if (url !== undefined) resolve(url)
      }
      child.stdout.on('data', heard)
      child.stderr.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
      child.once('exit', (code) => reject(new Error(`The server ended with ${code} before it listened:\n${this.output}`)))
    })
    this.output = ''
  }

  /** Sends a signal and waits until the process has ended; returns its exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = await exit
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
