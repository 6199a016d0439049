import { createServer } from 'node:http'
import { createNotifications } from 'belfry'
import express from 'express'
import session from 'express-session'

const sessions = session({ secret: process.env.SESSION_SECRET ?? 'only to try it out', resave: false, saveUninitialized: false })
const notifications = createNotifications({
  database: process.env.DATABASE ?? 'app.db',
  session: sessions,
  identify: (req) => (req.session.user ? { id: req.session.user } : null),
  signInPath: '/',
})

const app = express()
app.use(sessions, notifications.middleware(), notifications.sameOrigin(), express.urlencoded({ extended: false }))
app.use(notifications.basePath, notifications.router())

app.get('/', (req, res) => {
  const { head, bell } = res.locals.notifications
  const signIn = '<form method="post" action="/sign-in">I am <input name="user" required> <button>Sign in</button></form>'
  const send = '<form method="post" action="/send">Tell <input name="to" required> <input name="title" required> <button>Send</button></form>'
  res.send(`<!doctype html><html lang="en"><title>Minimal</title>${head()}${req.session.user ? bell() + send : signIn}`)
})
app.post('/sign-in', (req, res, next) => {
  req.session.regenerate((error) => {
    req.session.user = req.body.user
    req.session.save((unsaved) => (error || unsaved ? next(error || unsaved) : res.redirect('/')))
  })
})
app.post('/send', async (req, res) => {
  if (req.session.user) await notifications.notify({ to: { user: req.body.to }, title: req.body.title, data: { from: req.session.user } })
  res.redirect('/')
})

const server = createServer(app)
notifications.attach(server)
server.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
