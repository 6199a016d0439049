// Belfry in the same host, from its built package.
import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import express from 'express'
import { createNotifications } from '../../dist/notifications/index.js'
import { createHost, hrtime, obey, page, settings } from './host.mjs'

if (settings.synchronous === 'NORMAL') letCommitsGoUnsynced()
const { app, sessions } = createHost()
const handle = settings.unbatched ? hostsOwn(settings.database) : undefined
const notifications = createNotifications({
  database: handle ?? settings.database ?? ':memory:',
  session: sessions,
  identify: (req) => (req.session.userId === undefined ? null : { id: req.session.userId }),
})
app.post('/notes', express.json(), async (req, res) => {
  await notifications.notify({ to: { user: req.body.user }, title: req.body.title })
  res.status(201).json({ ok: true })
})
app.get('/page', sessions, notifications.middleware(), (req, res) => {
  const { head, bell } = res.locals.notifications
  res.type('html').send(settings.bell ? page(req.session.userId, head(), bell()) : page(req.session.userId))
})
app.use(notifications.basePath, sessions, notifications.router())
// A listener of the host's between: then Belfry leaves its requests as Express makes them.
const between = (req, res) => app(req, res)
const server = createServer(settings.plainRequests ? between : settings.ahead ? notifications.ahead(app) : app)
notifications.attach(server)
await notifications.ready()

/** Unbatched: in a transaction of the host's, and committed with that. */
function notify(draft) {
  if (handle === undefined) return notifications.notify(draft)
  handle.exec('BEGIN IMMEDIATE')
  const notified = notifications.notify(draft)
  handle.exec('COMMIT')
  return notified
}

function hostsOwn(path) {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  return db
}

/** Belfry has no such setting: only to see what FULL costs it. */
function letCommitsGoUnsynced() {
  const { pragma } = Database.prototype
  Database.prototype.pragma = function (text, options) {
    return pragma.call(this, text === 'synchronous = FULL' ? 'synchronous = NORMAL' : text, options)
  }
}

obey(server, {
  async broadcast({ title }) {
    const began = hrtime()
    await notifications.notify({ to: 'everyone', title })
    return { began }
  },
  /** Each reads all of them, or every second one and so on, in the order in which they came, ten at a time. */
  async read({ users, messages, every }) {
    const sent = []
    for (let i = 0; i < messages; i++) sent.push((await notifications.notify({ to: 'everyone', title: 'The canteen is closed today' })).id)
    const toRead = sent.filter((_, i) => i % every === 0)
    for (let from = 0; from < toRead.length; from += 10) {
      const ids = toRead.slice(from, from + 10)
      for (let user = 1; user <= users; user += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => notifications.markAsRead(String(user + i), ids)))
      }
    }
  },
  async one({ user }) {
    const began = hrtime()
    await notify({ to: { user }, title: 'New comment' })
    return { began }
  },
  async notify({ count, turn, users }) {
    const began = hrtime()
    for (let done = 0; done < count; done += turn) {
      const batch = []
      for (let i = done; i < done + turn; i++) batch.push(notify({ to: { user: String(1 + (i % users)) }, title: 'New comment' }))
      await Promise.all(batch)
    }
    return { began, ended: hrtime() }
  },
})
