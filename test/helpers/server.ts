import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As people start it: built, which `npm test` sees to. */
export const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const preload = new URL('./strain-preload.ts', import.meta.url).href
/** A file system without a disk, where Linux has one: a disk that others keep busy can hold a write for longer than all that is to be measured. */
const MEMORY = '/dev/shm'

/** What a server went through. */
export interface Strain {
  /** The longest time for which its event loop was held, in milliseconds. */
  readonly held: number
  /** By how much its memory had grown at most, in MB. */
  readonly grown: number
}

/** The app as an operator runs it: a process of its own, on a free port, with its data in a folder of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly folder: string
  readonly database: string
  readonly admin = { username: 'admin', password: 'a password for tests' }
  url = ''
  output = ''
  readonly #settings: Readonly<Record<string, string>>
  readonly #watched: boolean
  #child: ChildProcess | undefined

  private constructor(settings: Readonly<Record<string, string>>, watched: boolean) {
    this.folder = mkdtempSync(join(watched && existsSync(MEMORY) ? MEMORY : tmpdir(), 'belfry-server-'))
    this.database = join(this.folder, 'belfry.db')
    this.#settings = settings
    this.#watched = watched
  }

  /** One that is `watched` can tell its `strain`. */
  static async start(settings: Readonly<Record<string, string>> = {}, { watched = false } = {}): Promise<ServerProcess> {
    const server = new ServerProcess(settings, watched)
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
    const watching = this.#watched ? ['--import', 'tsx', '--import', preload] : []
    const child = spawn(process.execPath, [...watching, bin, 'start'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', ...(this.#watched ? (['ipc'] as const) : [])],
    })
    this.#child = child
    this.url = await new Promise<string>((resolve, reject) => {
      const heard = (chunk: Buffer) => {
        this.output += chunk.toString()
        const url = /http:\/\/[^\s/]+/.exec(this.output)?.[0]
        if (url !== undefined) resolve(url)
      }
      child.stdout?.on('data', heard)
      child.stderr?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
      child.once('exit', (code) => reject(new Error(`The server ended with ${code} before it listened:\n${this.output}`)))
    })
    this.output = ''
  }

  /** What it went through since it was asked before. */
  async strain(): Promise<Strain> {
    const child = this.#child
    assert.ok(child?.connected, 'only a server that was started as `watched`, and runs, can tell')
    const told = once(child, 'message')
    child.send('strain')
    const [strain] = await told
    return strain
  }

  /** Fails unless its event loop was held for less than 200 ms, and its memory grew by less than 200 MB, since it was asked before. */
  async expectCalm(): Promise<void> {
    const strain = await this.strain()
    const went = `the event loop was held for ${Math.round(strain.held)} ms, the memory grew by ${Math.round(strain.grown)} MB`
    assert.ok(strain.held < 200 && strain.grown < 200, went)
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
