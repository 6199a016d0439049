import { type ChildProcess, fork } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import Database from 'better-sqlite3'

/** What a process with many sockets is told. */
export interface Call {
  readonly port: number
  /** One for each socket that it is to open now. */
  readonly cookies: readonly string[]
}

/** What it says when they are open. */
export interface Crowd {
  /** By what a badge shows, how many show it. */
  readonly showing: Readonly<Record<number, number>>
  /** By why a socket was not opened, or ended, how many. */
  readonly lost: Readonly<Record<string, number>>
}

/** Many people, each with a badge before them, in one process of their own. */
export class CrowdProcess implements AsyncDisposable {
  readonly #port: number
  readonly #child: ChildProcess

  constructor(url: string) {
    this.#port = Number(new URL(url).port)
    this.#child = fork(new URL('./crowd-process.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  }

  /** Opens a socket for each cookie, and tells how all stand that were ever opened. */
  async open(cookies: readonly string[]): Promise<Crowd> {
    const told = once(this.#child, 'message')
    this.#child.send({ port: this.#port, cookies } satisfies Call)
    const [crowd] = await told
    return crowd
  }

  look(): Promise<Crowd> {
    return this.open([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** Makes so many members of the app with this database, each signed in already: hashing the passwords of thousands would take minutes. Returns their cookies. */
export function signInMany(database: string, secret: string, many: number): readonly string[] {
  const db = new Database(database)
  const addUser = db.prepare(`INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'none', 'member', ?, ?)`)
  const addSession = db.prepare('INSERT INTO sessions (id, user_id, data, created_at, expires_at, forget_at) VALUES (?, ?, ?, ?, ?, ?)')
  const now = Date.now()
  const until = now + 3_600_000
  const cookie = { originalMaxAge: 3_600_000, expires: new Date(until).toISOString(), httpOnly: true, path: '/', sameSite: 'lax' }
  const cookies = db.transaction(() =>
    Array.from({ length: many }, (_, n) => {
      const userId = Number(addUser.run(`person${n}`, now, now).lastInsertRowid)
      const id = randomUUID()
      addSession.run(id, userId, JSON.stringify({ cookie, signedIn: { userId, generation: 1, at: now } }), now, until, until)
      const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
      return `belfry.sid=${encodeURIComponent(`s:${id}.${signature}`)}`
    }),
  )()
  db.close()
  return cookies
}
