import { writeFileSync } from 'node:fs'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import Database from 'better-sqlite3'
import express from 'express'
import session from 'express-session'

export const settings = JSON.parse(process.argv[2] ?? '{}')

/** Sessions in SQLite, as small as express-session allows. It writes nothing on `touch`: that favours the peers, who would write with each request. */
export class SqliteSessions extends session.Store {
  #get
  #set
  #destroy

  constructor(path) {
    super()
    const db = new Database(path)
    db.pragma('journal_mode = WAL')
    db.exec('CREATE TABLE IF NOT EXISTS sessions (sid TEXT PRIMARY KEY, session TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID')
    this.#get = db.prepare('SELECT session FROM sessions WHERE sid = ? AND expires > ?').pluck()
    this.#set = db.prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)')
    this.#destroy = db.prepare('DELETE FROM sessions WHERE sid = ?')
  }

  get(sid, callback) {
    const text = this.#get.get(sid, Date.now())
    callback(null, text === undefined ? null : JSON.parse(text))
  }

  set(sid, value, callback) {
    this.#set.run(sid, JSON.stringify(value), Date.parse(value.cookie.expires))
    callback?.(null)
  }

  touch(_sid, _session, callback) {
    callback?.(null)
  }

  destroy(sid, callback) {
    this.#destroy.run(sid)
    callback?.(null)
  }
}

/** An Express app with express-session, as hosts have it. */
export function createHost() {
  const app = express()
  app.disable('x-powered-by')
  const sessions = session({ secret: settings.secret, resave: false, saveUninitialized: false, store: new SqliteSessions(settings.sessions) })
  app.get('/ping', (_req, res) => res.type('text').send('pong'))
  return { app, sessions }
}

/**
 * A peer's server, as its documentation shows; with `quickRequests` such as Belfry makes it: requests and responses have Express's prototypes from the
 * beginning, which spares Node before 24 most of what Express costs.
 */
export function createPeersServer(app) {
  return settings.quickRequests ? createServer(classesOf(app), app) : createServer(app)
}

function classesOf({ request, response }) {
  function Request(socket) {
    IncomingMessage.call(this, socket)
  }
  function Response(req, options) {
    ServerResponse.call(this, req, options)
  }
  Object.setPrototypeOf(Request, IncomingMessage)
  Object.setPrototypeOf(Response, ServerResponse)
  Request.prototype = request
  Response.prototype = response
  return { IncomingMessage: Request, ServerResponse: Response }
}

/** Answers what the measuring process asks; `actions` are those of one contestant. */
export function obey(server, actions) {
  let delay
  let profiler
  const all = {
    listen: () => new Promise((resolve) => server.listen(0, '127.0.0.1', 4096, () => resolve({ port: server.address().port }))),
    cpu() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
    async gc() {
      for (let i = 0; i < 4; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    watchLoop() {
      delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
    },
    loop() {
      delay.disable()
      return { longest: delay.max / 1e6, p99: delay.percentile(99) / 1e6 }
    },
    async profile() {
      profiler = new Session()
      profiler.connect()
      await profiler.post('Profiler.enable')
      await profiler.post('Profiler.start')
    },
    async profiled({ file }) {
      const { profile } = await profiler.post('Profiler.stop')
      writeFileSync(file, JSON.stringify(profile))
    },
    ...actions,
  }
  process.on('message', async ({ id, what, ...details }) => {
    try {
      process.send({ id, result: await all[what](details) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
  process.on('disconnect', () => process.exit(0))
}

/** A small page of the host's. */
export function page(user, head = '', bell = '') {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Posts</title>${head}</head>
<body><header><a href="/">Posts</a> ${bell} ${user}</header><main>${posts}</main></body></html>`
}

const posts = Array.from({ length: 20 }, (_, i) => `<p><a href="/posts/${i}">Somebody's post, number ${i}</a></p>`).join('\n')

export const hrtime = () => Number(process.hrtime.bigint())

/** The notifications of a host that keeps them by hand: a row each, counted by an index. */
export class Rows {
  #insert
  #count
  #together

  constructor({ synchronous = 'FULL' } = {}) {
    const db = new Database(settings.database)
    db.pragma('journal_mode = WAL')
    db.pragma(`synchronous = ${synchronous}`)
    db.exec(`CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, title TEXT NOT NULL, read_at INTEGER);
             CREATE INDEX IF NOT EXISTS notes_unread ON notes (user_id) WHERE read_at IS NULL`)
    this.#insert = db.prepare('INSERT INTO notes (user_id, title) VALUES (?, ?)')
    this.#count = db.prepare('SELECT count(*) FROM notes WHERE user_id = ? AND read_at IS NULL').pluck()
    this.#together = db.transaction((users, title) => {
      for (const user of users) this.#insert.run(user, title)
      return users.map((user) => [user, this.#count.get(user)])
    })
  }

  /** Commits one, and returns the exact count of its user. */
  add(user, title) {
    this.#insert.run(user, title)
    return this.#count.get(user)
  }

  /** Commits one for each of them, all in one transaction, and returns the exact count of each as of then. */
  addAll(users, title) {
    return this.#together(users, title)
  }

  unread(user) {
    return this.#count.get(user)
  }
}

export const turnOfLoop = () => new Promise((resolve) => setImmediate(resolve))
