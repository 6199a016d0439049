// ws with express-session, as its README and its example of it show: the session is parsed on upgrade, a broadcast is a loop over all clients.
import express from 'express'
import { WebSocketServer } from 'ws'
import { createHost, createPeersServer, hrtime, obey, page, Rows, settings, turnOfLoop } from './host.mjs'

const { app, sessions } = createHost()
const server = createPeersServer(app)
const rows = settings.database === undefined ? undefined : new Rows(settings)
const wss = new WebSocketServer({ noServer: true })
const byUser = new Map()

server.on('upgrade', (request, socket, head) => {
  sessions(request, {}, () => {
    const user = request.session?.userId
    if (user === undefined) {
      socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n')
      socket.destroy()
      return
    }
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request))
  })
})

wss.on('connection', (ws, request) => {
  const user = request.session.userId
  byUser.set(user, ws)
  ws.on('error', console.error)
  ws.on('close', () => byUser.delete(user))
})

function notify(user, title) {
  tell(user, title, rows.add(user, title))
}

function tell(user, title, unread) {
  byUser.get(user)?.send(JSON.stringify({ type: 'unread', unread, latest: { title } }))
}

/** All of a turn in one transaction, each told after the commit. */
function notifyTogether(users, title) {
  for (const [user, unread] of rows.addAll(users, title)) tell(user, title, unread)
}

app.post('/notes', express.json(), (req, res) => {
  notify(req.body.user, req.body.title)
  res.status(201).json({ ok: true })
})

app.get('/page', sessions, (req, res) => {
  res.type('html').send(page(req.session.userId))
})
app.get('/unread', sessions, (req, res) => {
  if (req.session.userId === undefined) res.sendStatus(401)
  else res.json({ unread: rows.unread(req.session.userId) })
})

obey(server, {
  async broadcast({ title }) {
    const began = hrtime()
    const text = JSON.stringify({ type: 'unread', unread: 1, latest: { title } })
    const { slice = Number.POSITIVE_INFINITY } = settings
    let sent = 0
    for (const client of wss.clients) {
      client.send(text)
      if (++sent % slice === 0) await turnOfLoop()
    }
    return { began }
  },
  one({ user }) {
    const began = hrtime()
    notify(user, 'New comment')
    return { began }
  },
  async notify({ count, turn, users }) {
    const began = hrtime()
    for (let done = 0; done < count; done += turn) {
      const those = Array.from({ length: turn }, (_, i) => String(1 + ((done + i) % users)))
      if (settings.together) notifyTogether(those, 'New comment')
      else for (const user of those) notify(user, 'New comment')
      await turnOfLoop()
    }
    return { began, ended: hrtime() }
  },
})
