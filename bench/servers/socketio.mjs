// Socket.IO with express-session, as its documentation shows: engine.use(), a room for each user.
import express from 'express'
import { Server } from 'socket.io'
import { createHost, createPeersServer, hrtime, obey, Rows, settings, turnOfLoop } from './host.mjs'

const { app, sessions } = createHost()
const server = createPeersServer(app)
const rows = settings.database === undefined ? undefined : new Rows(settings)
const io = new Server(server, { serveClient: false, transports: ['websocket'] })
io.engine.use(sessions)
io.use((socket, next) => (socket.request.session?.userId === undefined ? next(new Error('not signed in')) : next()))
io.on('connection', (socket) => {
  socket.join(`user:${socket.request.session.userId}`)
})

function notify(user, title) {
  const unread = rows.add(user, title)
  io.to(`user:${user}`).emit('unread', { unread, latest: { title } })
}

app.post('/notes', express.json(), (req, res) => {
  notify(req.body.user, req.body.title)
  res.status(201).json({ ok: true })
})

obey(server, {
  broadcast({ title }) {
    const began = hrtime()
    io.emit('unread', { unread: 1, latest: { title } })
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
      for (let i = done; i < done + turn; i++) notify(String(1 + (i % users)), 'New comment')
      await turnOfLoop()
    }
    return { began, ended: hrtime() }
  },
})
