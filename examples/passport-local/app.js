import { createServer } from 'node:http'
import { createNotifications } from 'belfry' // added
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import LocalStrategy from 'passport-local'
import { db, users } from './users.js'

passport.use(new LocalStrategy((name, password, done) => done(null, users.verify(name, password))))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, users.byId(id) ?? false))

const app = express()
const sessions = session({ secret: process.env.SESSION_SECRET ?? 'only to try it out', resave: false, saveUninitialized: false })

// added: who is there. At the upgrade of a socket only the session middleware has run, so the session is asked, not req.user.
const identify = (id) => {
  const user = id === undefined ? undefined : users.byId(id)
  return user ? { id: String(user.id), topics: [`role:${user.role}`] } : null
}
const notifications = createNotifications({
  database: db, // the app's own handle: notify takes part in its transactions
  session: sessions,
  identify: (req) => identify(req.session.passport?.user),
  topicsOf: identify,
  signInPath: '/sign-in',
})

app.set('view engine', 'ejs')
app.set('views', `${import.meta.dirname}/views`)
app.use(sessions, passport.authenticate('session'), express.urlencoded({ extended: false }))
app.use(notifications.middleware(), notifications.sameOrigin()) // added
app.use(notifications.basePath, notifications.router()) // added

const signedIn = (req, res, next) => (req.user ? next() : res.redirect('/sign-in'))

app.get('/sign-in', (_req, res) => res.render('sign-in'))
app.post('/sign-in', passport.authenticate('local', { successRedirect: '/', failureRedirect: '/sign-in' }))
app.post('/sign-out', (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect('/sign-in'))))

app.get('/', signedIn, async (req, res) => {
  const latest = await res.locals.notifications.list({ limit: 3 }) // added
  const comments = db.prepare('SELECT comments.id, name, text FROM comments JOIN users ON users.id = author ORDER BY comments.id').all()
  res.render('home', { user: req.user, comments, latest })
})

app.post('/comments', signedIn, async (req, res) => {
  const sent = [] // added
  db.transaction(() => {
    const { lastInsertRowid } = db.prepare('INSERT INTO comments (author, text) VALUES (?, ?)').run(req.user.id, req.body.text ?? '')
    // added: stored with the comment, or not at all
    const draft = { title: `${req.user.name} commented`, body: req.body.text, url: `/#comment-${lastInsertRowid}`, category: 'comments' }
    for (const { id } of users.others(req.user.id)) sent.push(notifications.notify({ ...draft, to: { user: String(id) }, data: { from: req.user.name } }))
  })()
  await Promise.all(sent) // added
  res.redirect('/')
})

const server = createServer(app)
notifications.attach(server) // added
server.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
