// Belfry in the same host, from its built package.
import { createServer } from 'node:http'
import express from 'express'
import { createNotifications } from '../../dist/notifications/index.js'
import { createHost, hrtime, obey, settings } from './host.mjs'

const { app, sessions } = createHost()
const notifications = createNotifications({
  database: settings.database ?? ':memory:',
  session: sessions,
  identify: (req) => (req.session.userId === undefined ? null : { id: req.session.userId }),
})
app.post('/notes', express.json(), async (req, res) => {
  await notifications.notify({ to: { user: req.body.user }, title: req.body.title })
  res.status(201).json({ ok: true })
})
app.use(notifications.basePath, sessions, notifications.router())
const server = createServer(settings.ahead ? notifications.ahead(app) : app)
notifications.attach(server)
await notifications.ready()

obey(server, {
  async broadcast({ title }) {
    const began = hrtime()
    await notifications.notify({ to: 'everyone', title })
    return { began }
  },
  async one({ user }) {
    const began = hrtime()
    await notifications.notify({ to: { user }, title: 'New comment' })
    return { began }
  },
  async notify({ count, turn, users }) {
    const began = hrtime()
    for (let done = 0; done < count; done += turn) {
      const batch = []
      for (let i = done; i < done + turn; i++) batch.push(notifications.notify({ to: { user: String(1 + (i % users)) }, title: 'New comment' }))
      await Promise.all(batch)
    }
    return { began, ended: hrtime() }
  },
})
