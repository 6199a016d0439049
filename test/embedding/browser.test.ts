import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import express from 'express'
import type { Browser } from 'playwright-core'
import { createNotifications } from '../../src/notifications/index.js'
import { expectBadge, expectConnection, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { Served, sessions, strippingProxy } from './served.js'

/** As strict as a host's policy gets. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; require-trusted-types-for 'script'"

/** A host of another make: a frame of its own, a policy of its own, behind a proxy that takes `/tool` off. */
async function foreignHost() {
  const { middleware } = sessions()
  const notifications = createNotifications({
    database: ':memory:',
    session: middleware,
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user }),
    basePath: '/n/inbox',
    publicPath: '/tool/n/inbox',
    layout: ({ title, head, body, res }) =>
      `<!doctype html><html lang="en"><head><title>${title.replace(/</g, '&lt;')}</title>${head}</head><body><h2>Tool</h2>${res.locals.notifications.bell()}<main>${body}</main></body></html>`,
  })
  const app = express()
  app.use((_req, res, next) => {
    res.set('Content-Security-Policy', POLICY)
    next()
  })
  app.use(middleware)
  app.get('/enter', (req, res) => {
    req.session.user = 'ada'
    req.session.save(() => res.redirect('/tool/home'))
  })
  app.use(notifications.middleware())
  app.get('/home', (_req, res) => {
    const { head, bell } = res.locals.notifications
    res.send(`<!doctype html><html lang="en"><head><title>Home</title><link rel="icon" href="data:,">${head()}</head><body>${bell()}</body></html>`)
  })
  app.use(notifications.basePath, notifications.router())
  const served = await Served.start(app, (server) => notifications.attach(server), notifications)
  return { notifications, served, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

describe('in a real browser, a host with the strictest policy behind a proxy that takes a prefix off', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  it('has a live bell, an inbox that works, and nothing that its policy had to refuse', async () => {
    await using host = await foreignHost()
    await using proxy = await strippingProxy(host.served, '/tool')
    const context = await browser.newContext()
    const page = await openTab(context, `${proxy.url}/tool/enter`)
    await expectConnection(page, 'live')
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Through the proxy' })
    await expectBadge(page, '1')
    assert.deepEqual((await shownBy(page)).badge, ['', '1'], 'no wrong number is ever shown')

    const inbox = await openTab(context, `${proxy.url}/tool/n/inbox`)
    await expectConnection(inbox, 'live')
    assert.equal(await inbox.locator('h2', { hasText: 'Tool' }).count(), 1, "in the host's own frame")
    await host.notifications.notify({ to: { user: 'ada' }, title: 'While I look' })
    await inbox.locator('[data-notification-id]', { hasText: 'While I look' }).waitFor()
    await inbox.locator('[data-belfry-read-all] button').click()
    await expectBadge(inbox, '')
    await expectBadge(page, '')
    assert.equal(await host.notifications.unreadCount('ada'), 0)
    for (const tab of [page, inbox]) assert.deepEqual((await shownBy(tab)).violations, [])
    await context.close()
  })
})
