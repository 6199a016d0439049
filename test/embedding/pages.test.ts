import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import ejs from 'ejs'
import express, { type Express } from 'express'
import { fakeNotifications } from '../../src/notifications/testing.js'
import { Folder, Served, sessions } from './served.js'

async function host(mount: (app: Express) => void) {
  const { middleware, signIn } = sessions()
  const fake = fakeNotifications({ session: middleware, identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }) })
  const app = express().use(middleware, fake.middleware()).use(fake.basePath, fake.router())
  mount(app)
  const served = await Served.start(app, undefined, fake)
  const page = async (path: string, user?: string) => (await served.get(path, user === undefined ? '' : await signIn(user))).text()
  return { fake, served, signIn, page, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

const count = (html: string, part: RegExp) => [...html.matchAll(part)].length

describe("a page of the host's", () => {
  it('has the right count in the first paint, for everybody their own', async () => {
    await using there = await host((app) => app.get('/', (_req, res) => void res.send(res.locals.notifications.bell())))
    for (let n = 0; n < 120; n++) await there.fake.notify({ to: { user: 'bo' }, title: `${n}` })
    await there.fake.notify({ to: { user: 'ada' }, title: 'One' })
    assert.match(await there.page('/', 'ada'), /unread="1".*aria-label="Notifications, 1 unread".*>1<\/span>/s)
    assert.match(await there.page('/', 'bo'), /unread="120".*aria-label="Notifications, 99\+ unread".*>99\+<\/span>/s)
    assert.match(await there.page('/', 'cy'), /unread="0".*aria-label="Notifications".*><\/span>/s)
    assert.equal(await there.page('/'), '', 'nobody has no bell')
  })

  it('in EJS has bell and list by the names that the middleware set', async () => {
    using folder = new Folder()
    writeFileSync(
      folder.file('home.ejs'),
      '<%- notifications.head() %><%- notifications.bell() %><main><%- await notifications.list({ limit: 2 }) %></main>',
    )
    await using there = await host((app) => {
      app.engine('ejs', (path, options, done) => void ejs.renderFile(path, options, { async: true }).then((html) => done(null, html), done))
      app.set('view engine', 'ejs').set('views', folder.path)
      app.get('/', (_req, res) => res.render('home'))
    })
    for (const title of ['Old', 'Newer', '<b>Newest</b>']) await there.fake.notify({ to: { user: 'ada' }, title, url: '/posts/1' })
    const html = await there.page('/', 'ada')
    assert.match(html, /<link rel="stylesheet".*<notification-bell unread="3"/s)
    assert.equal(count(html, /data-notification-id=/g), 2)
    assert.ok(html.includes('Newer') && !html.includes('Old'))
    assert.ok(html.includes('&lt;b&gt;Newest&lt;/b&gt;') && !html.includes('<b>Newest'))
  })

  it('of any other engine has the same HTML from functions that return strings', async () => {
    await using there = await host((app) =>
      app.get('/', async (_req, res) => void res.send(`<aside>${await res.locals.notifications.list({ filter: 'unread', limit: 1 })}</aside>`)),
    )
    assert.match(await there.page('/', 'ada'), /<aside><p class="belfry-empty" lang="en">You are up to date<\/p>/)
    const { id } = await there.fake.notify({ to: { user: 'ada' }, title: 'One' })
    assert.equal(count(await there.page('/', 'ada'), /data-state="unread"/g), 1)
    await there.fake.markAsRead('ada', id)
    assert.match(await there.page('/', 'ada'), /You are up to date/)
    assert.equal(await there.page('/'), '<aside></aside>', 'nobody has no list')
  })

  it('has forms in its list that work without JavaScript and lead back to it', async () => {
    await using there = await host((app) => app.get('/home', async (_req, res) => void res.send(await res.locals.notifications.list())))
    await there.fake.notify({ to: { user: 'ada' }, title: 'One' })
    const cookie = await there.signIn('ada')
    const action = /action="([^"]*\/archive)"/.exec(await (await there.served.get('/home', cookie)).text())?.[1]
    const answer = await there.served.post(action ?? '', cookie, { accept: 'text/html', referer: `${there.served.url}/home` })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/home'])
    assert.match(await (await there.served.get('/home', cookie)).text(), /Nothing here yet/)
  })

  it('that asks its list for what cannot be gets the error, not half a page', async () => {
    await using there = await host((app) => {
      app.get('/', async (_req, res) => void res.send(await res.locals.notifications.list({ limit: 0 })))
      app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => void res.status(500).send(error.message))
    })
    assert.equal(await there.page('/', 'ada'), 'The limit must be a whole number from 1 to 100.')
  })
})
