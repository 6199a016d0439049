import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const repository = fileURLToPath(new URL('../..', import.meta.url))

/** What the examples and the walk need beside the package, in the versions that are here. */
const BESIDE = ['express', 'express-session', 'ejs', 'better-sqlite3', 'passport', 'passport-local']
const SQLITE = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'

/**
 * A folder where the packed package has been installed by npm, as hosts do. Install scripts don't run: the one that
 * matters builds SQLite for a minute, and has done so here already.
 */
export class Installed implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'belfry-installed-'))
  tarball = ''
  /** Every file of the package. */
  files: readonly string[] = []

  static async make(): Promise<Installed> {
    const { buildStale } = (await import(join(repository, 'scripts/build.mjs'))) as { buildStale(): Promise<void> }
    await buildStale()
    const installed = new Installed()
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', installed.folder], { cwd: repository })
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    installed.tarball = installed.file(packed.filename)
    installed.files = packed.files.map(({ path }) => path)
    writeFileSync(installed.file('package.json'), '{ "private": true, "type": "module" }')
    await installed.#install().catch((error: unknown) => installed.#assemble(error))
    return installed
  }

  async #install(): Promise<void> {
    const flags = [
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--fetch-retries=0',
      '--fetch-timeout=20000',
    ]
    const beside = BESIDE.map((name) => `${name}@${versionOf(name)}`)
    await run('npm', ['install', ...flags, this.tarball, ...beside], { cwd: this.folder, timeout: 90_000 })
    mkdirSync(dirname(this.file(SQLITE)), { recursive: true })
    copyFileSync(join(repository, SQLITE), this.file(SQLITE))
  }

  /** Without a registry: the unpacked package, among links to all that is here. */
  async #assemble(why: unknown): Promise<void> {
    console.error(`npm could not install the package, so it is put together by hand: ${String(why).split('\n')[0]}`)
    rmSync(this.file('node_modules'), { recursive: true, force: true })
    mkdirSync(this.file('node_modules/belfry'), { recursive: true })
    await run('tar', ['-xzf', this.tarball, '--strip-components=1', '-C', this.file('node_modules/belfry')])
    const here = join(repository, 'node_modules')
    for (const name of readdirSync(here))
      if (name !== 'belfry' && !name.startsWith('.')) symlinkSync(join(here, name), this.file('node_modules', name))
  }

  file(...path: string[]): string {
    return join(this.folder, ...path)
  }

  /** A folder of the repository, copied to where the installed package is found. */
  copy(folder: string, as: string): string {
    cpSync(join(repository, folder), this.file(as), { recursive: true })
    return this.file(as)
  }

  write(path: string, text: string): string {
    mkdirSync(dirname(this.file(path)), { recursive: true })
    writeFileSync(this.file(path), text)
    return this.file(path)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version
}

/** An app that somebody else runs: it says where it listens. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess
  url = ''
  output = ''

  private constructor(child: ChildProcess) {
    this.child = child
  }

  static async start(file: string, env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const child = spawn(process.execPath, [file], {
      cwd: dirname(file),
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const running = new Running(child)
    const heard = (chunk: Buffer) => {
      running.output += chunk.toString()
    }
    child.stdout.on('data', heard)
    child.stderr.on('data', heard)
    const ended = once(child, 'exit').then(() => assert.fail(`The app ended before it listened:\n${running.output}`))
    const listens = new Promise<string>((resolve) => {
      child.stdout.on('data', () => {
        const url = /http:\/\/localhost:\d+/.exec(running.output)?.[0]
        if (url !== undefined) resolve(url)
      })
    })
    running.url = await Promise.race([listens, ended])
    ended.catch(() => {})
    return running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }
}

/** Somebody with a browser that has no JavaScript: keeps cookies, follows a form to the page after it. */
export class Person {
  cookie = ''
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async get(path: string): Promise<string> {
    return (await this.#send(path, {})).text()
  }

  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields), headers: { origin: this.url } })
  }

  async #send(path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const answer = await fetch(this.url + path, { ...init, redirect: 'manual', headers: { ...headers, accept: 'text/html', cookie: this.cookie } })
    for (const cookie of answer.headers.getSetCookie()) this.cookie = cookie.split(';')[0] ?? ''
    return answer
  }
}
