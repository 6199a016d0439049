import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** What libraries do that change pages without loading them, below a policy that lets nobody make HTML of text. */
const SWAPS = `
  window.arrived = []
  document.addEventListener('belfry-arrival', ({ detail }) => window.arrived.push(detail.title))
  window.bellNow = () => document.querySelector('notification-bell')
  window.rendered = (part = 'notification-bell', path = '/') => new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.responseType = 'document'
    request.onload = () => resolve(document.adoptNode(request.response.querySelector(part)))
    request.open('GET', path)
    request.send()
  })
  window.visit = async (path) => document.body.replaceWith(await rendered('body', path))
  window.swap = async () => bellNow().replaceWith(await rendered())
  window.morph = async () => {
    const next = await rendered()
    const bell = bellNow()
    document.title = 'Morphed'
    for (const { name, value } of next.attributes) bell.setAttribute(name, value)
    for (const name of bell.getAttributeNames()) if (!next.hasAttribute(name)) bell.removeAttribute(name)
    bell.replaceChildren(...next.childNodes)
  }
`

/** Ada's home page, from where the swaps can be called. */
async function openHome(host: Host): Promise<Page> {
  const context = await browser.newContext()
  await context.addInitScript(SWAPS)
  const page = await openTab(context, `${host.url}/sign-in/ada`)
  await expectConnection(page, 'live')
  return page
}

async function expectPanel(page: Page, ...titles: string[]): Promise<void> {
  await page.getByRole('button', { name: /^Notifications/ }).click()
  await expectText(page, `[...document.querySelectorAll('.belfry-panel:popover-open [data-slot=title]')].map((title) => title.textContent)`, titles)
  assert.equal(await page.locator('.belfry-panel').count(), 1)
  await page.keyboard.press('Escape')
}

describe('a page that is changed without being loaded', () => {
  it('tells of an arrival once, whatever bells come later or stand beside one another', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    for (let times = 0; times < 3; times++) {
      await page.evaluate('swap()')
      await expectConnection(page, 'live')
    }
    await page.evaluate(`rendered().then((bell) => document.querySelector('main').append(bell))`)
    await expectText(page, `[...document.querySelectorAll('notification-bell')].map((bell) => bell.getAttribute('connection'))`, ['live', 'live'])
    await host.tell('ada', 'Two')
    await expectText(page, `[...document.querySelectorAll('.belfry-badge')].map((badge) => badge.textContent)`, ['2', '2'])
    assert.deepEqual(await page.evaluate('arrived'), ['One', 'Two'])
    assert.equal(await host.connections(), 1)
    await page.context().close()
  })

  it('tells screen readers once, by the last of its bells that is shown', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.evaluate(`rendered().then((bell) => document.querySelector('main').append(bell))`)
    const statuses = `[...document.querySelectorAll('notification-bell [role=status]')].map((status) => status.textContent)`
    await expectText(page, `document.querySelectorAll('notification-bell[connection=live]').length`, 2)
    await host.tell('ada', 'One')
    await expectText(page, statuses, ['', 'New notification: One. 1 unread'])
    await page.evaluate(`document.querySelector('main').style.display = 'none'`)
    await page.locator('header .belfry-bell').click()
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await expectText(page, statuses, ['0 unread', 'New notification: One. 1 unread'])
    await page.context().close()
  })

  it('tells screen readers in the dialog that is open, where a bell stands in it, as they hear nothing else then', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.evaluate(`rendered().then((bell) => {
      const dialog = document.createElement('dialog')
      dialog.append(bell)
      document.body.append(dialog)
      dialog.showModal()
    })`)
    await expectText(page, `document.querySelector('dialog notification-bell')?.getAttribute('connection')`, 'live')
    await host.tell('ada', 'One')
    await page.getByRole('dialog').getByRole('status').getByText('New notification: One. 1 unread').waitFor()
    await page.context().close()
  })

  it('has a panel in the copy of a bell that stands there on the way back', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await expectPanel(page, 'One')
    await page.evaluate('{ window.kept = bellNow().cloneNode(true); swap() }')
    await host.tell('ada', 'Two')
    await expectBadge(page, '2')
    await page.evaluate('bellNow().replaceWith(kept)')
    await expectBadge(page, '2')
    await expectPanel(page, 'Two', 'One')
    assert.equal(await host.connections(), 1)
    await page.context().close()
  })

  it('says that its panel is closed where a bell was moved, or kept, while it was open', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    const bell = page.getByRole('button', { name: /^Notifications/ })
    await bell.click()
    await page.getByRole('button', { name: /^Notifications/, expanded: true }).waitFor()
    await page.evaluate(`document.querySelector('main').append(bellNow())`)
    await expectConnection(page, 'live')
    assert.equal(await page.locator('.belfry-panel:popover-open').count(), 0)
    assert.equal(await bell.getAttribute('aria-expanded'), 'false')
    await bell.click()
    await page.getByRole('button', { name: /^Notifications/, expanded: true }).waitFor()
    await page.context().close()
  })

  it('never shows an older count than the one that a bell was rendered with', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.evaluate('bellNow().remove()')
    await host.tell('ada', 'One')
    await page.evaluate(`rendered().then((bell) => document.querySelector('header').append(bell))`)
    await expectConnection(page, 'live')
    assert.deepEqual((await shownBy(page)).badge, ['', '1'])
    await page.context().close()
  })

  it('is live again with a bell for somebody who has signed in again, whoever else listens there', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.evaluate('bellNow().client.subscribe(() => {})')
    await page.evaluate(`fetch('/sign-out')`)
    await expectConnection(page, 'signed-out')
    await page.evaluate(`fetch('/sign-in/ada').then(swap)`)
    await expectConnection(page, 'live')
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    await page.context().close()
  })

  it('has its bell again where a library makes of it what the server renders', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    for (let times = 0; times < 3; times++) {
      await page.evaluate('morph()')
      await expectText(page, 'document.title', '(1) Morphed')
    }
    await expectPanel(page, 'One')
    await page.evaluate(`fetch('/sign-in/bob').then(morph)`)
    await expectText(page, 'document.title', 'Morphed')
    await host.tell('bob', 'For Bob')
    await expectText(page, 'document.title', '(1) Morphed')
    await expectPanel(page, 'For Bob')
    assert.equal(await host.connections(), 1)
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('keeps a bell of which only its connection is taken away, again and again', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.evaluate(`{
      window.first = bellNow()
      const strip = () => bellNow().removeAttribute('connection')
      new MutationObserver(strip).observe(document.body, { attributeFilter: ['connection'], childList: true, subtree: true })
      strip()
    }`)
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    assert.equal(await page.evaluate('bellNow() === first'), true)
    await expectPanel(page, 'One')
    await page.context().close()
  })

  it('has an inbox that still tells a screen reader what was done there, through whichever bell there is', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications`)
    await expectConnection(page, 'live')
    await page.evaluate('swap()')
    await expectConnection(page, 'live')
    await page.getByRole('main').getByRole('button', { name: 'Mark all as read' }).click()
    await expectText(page, `document.querySelector('[role=status]').textContent`, '0 unread')
    await page.context().close()
  })

  it('is left with all sent that was archived in an inbox in whose place another came', async () => {
    await using host = await Host.start()
    for (let count = 0; count < 25; count++) await host.tell('ada', `Number ${count}`)
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications`)
    await expectConnection(page, 'live')
    await page.getByRole('button', { name: 'Select' }).click()
    await expectText(page, `document.querySelectorAll('.belfry-box').length`, 25)
    await page.evaluate(`{
      for (const box of document.querySelectorAll('.belfry-box')) box.click()
      for (const button of document.querySelectorAll('.belfry-bar button')) if (button.textContent === 'Archive') button.click()
      visit('/notifications?filter=archived').then(() => setTimeout(() => location.assign('/')))
    }`)
    await page.waitForURL(`${host.url}/`)
    const archived = async () => (await host.notifications.list('ada', { filter: 'archived', limit: 100 })).items.length
    await eventually(async () => (await archived()) === 25, 'all 25 archived')
    await page.context().close()
  })

  it('brings every inbox to life that comes, and loads one that was kept as a copy', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    const titles = `[...document.querySelectorAll('[data-notification-id] [data-slot=title]')].map((title) => title.textContent)`
    await page.goto(`${host.url}/notifications`)
    await expectConnection(page, 'live')
    await page.getByRole('button', { name: 'Select' }).waitFor()
    for (const [at, title] of ['One', 'Two'].entries()) {
      await page.evaluate(`window.kept = document.body.cloneNode(true), visit('/')`)
      await page.evaluate(`visit('/notifications')`)
      await page.getByRole('button', { name: 'Select' }).waitFor()
      await host.tell('ada', title)
      await expectText(page, titles, ['Two', 'One'].slice(1 - at))
    }
    await page.getByRole('main').getByRole('button', { name: 'Archive' }).first().click()
    await page.getByRole('main').getByRole('button', { name: 'Undo' }).waitFor()
    await Promise.all([page.waitForEvent('load'), page.evaluate(`void setTimeout(() => document.body.replaceWith(kept))`)])
    await expectText(page, titles, ['One'])
    await expectText(page, `document.querySelectorAll('.belfry-head > [aria-pressed]').length`, 1)
    await page.context().close()
  })

  const GOING: Readonly<Record<string, { path: (id: string) => string; panel?: true }>> = {
    inboxes: { path: () => '/notifications' },
    'pages of a notification': { path: (id) => `/notifications/${id}` },
    'pages whose panel was open': { path: () => '/', panel: true },
  }
  for (const [what, { path, panel }] of Object.entries(GOING)) {
    it(`keeps nothing of ${what} in whose place others came`, async () => {
      await using host = await Host.start()
      const { id } = await host.tell('ada', 'One')
      const page = await openHome(host)
      // Half a minute, for which a timer holds them, is shorter.
      await page.addInitScript('{ const set = setTimeout; window.setTimeout = (go, ms) => set(go, ms === 30_000 ? 100 : ms) }')
      await page.goto(`${host.url}${path(id)}`)
      await expectConnection(page, 'live')
      await page.evaluate('window.were = []')
      for (let times = 0; times < 5; times++) {
        if (panel) await page.getByRole('button', { name: /^Notifications/ }).click()
        await page.evaluate(`were.push(new WeakRef(document.querySelector('main')))`)
        await page.evaluate(`visit('${path(id)}')`)
        await expectConnection(page, 'live')
      }
      const session = await page.context().newCDPSession(page)
      const left = async () => {
        await session.send('HeapProfiler.collectGarbage')
        return page.evaluate('were.filter((main) => main.deref()).length') as Promise<number>
      }
      await eventually(async () => (await left()) <= 1, 'the last alone is left')
      await page.context().close()
    })
  }

  it('leaves the inbox of whoever signs in next as it is, though a panel of the one before was open', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'For Ada')
    await host.tell('bob', 'One')
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications`)
    await expectPanel(page, 'For Ada')
    await page.evaluate(`fetch('/sign-out').then(() => true)`)
    await expectConnection(page, 'signed-out')
    await page.evaluate(`fetch('/sign-in/bob').then(() => visit('/notifications'))`)
    await expectConnection(page, 'live')
    await host.tell('bob', 'Two')
    await expectText(page, `[...document.querySelectorAll('[data-notification-id] [data-slot=title]')].map((title) => title.textContent)`, [
      'Two',
      'One',
    ])
    await page.context().close()
  })

  it('keeps its inbox live where the bell is taken off the page', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications`)
    await expectConnection(page, 'live')
    await page.getByRole('button', { name: 'Select' }).waitFor()
    await page.evaluate('bellNow().remove()')
    await host.tell('ada', 'One')
    await page.locator('li[data-notification-id]').getByText('One', { exact: true }).waitFor()
    await page.context().close()
  })

  it('offers the choices of a browser on every page of them that comes', async () => {
    await using host = await Host.start()
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications/preferences`)
    await page.getByRole('checkbox', { name: 'Ring softly' }).check()
    await page.evaluate(`visit('/')`)
    await page.evaluate(`visit('/notifications/preferences')`)
    await page.getByRole('checkbox', { name: 'Ring softly', checked: true }).uncheck()
    assert.equal(await page.evaluate(`JSON.parse(localStorage.getItem('belfry')).sound`), false)
    await page.context().close()
  })

  it('keeps the icon of the tab right where a router sets it anew and leaves the bell alone', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await page.evaluate(`{
      window.setIcon = () => {
        document.querySelector('link[rel=icon]')?.remove()
        document.head.append(Object.assign(document.createElement('link'), { rel: 'icon', href: '/icon.svg' }))
        document.querySelector('link[rel=icon]').dataset.belfryUnread = '/icon-unread.svg'
      }
      setIcon()
    }`)
    const icon = `document.querySelector('link[rel=icon]').getAttribute('href')`
    await expectText(page, icon, '/icon-unread.svg')
    await page.evaluate('setIcon()')
    await expectText(page, icon, '/icon-unread.svg')
    await page.getByRole('button', { name: /^Notifications/ }).click()
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await expectText(page, icon, '/icon.svg')
    await page.context().close()
  })

  it('keeps the count in the title where one of two bells goes that stand in shadow roots', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await page.evaluate(`rendered().then((bell) => {
      const main = document.querySelector('main')
      for (const part of [bell, bellNow()]) {
        const place = document.createElement('div')
        main.append(place)
        place.attachShadow({ mode: 'open' }).append(part)
      }
    })`)
    await expectText(page, 'document.title', '(1) Home')
    await page.evaluate(`document.querySelector('main > div').remove()`)
    assert.equal(await page.title(), '(1) Home')
    await page.evaluate(`document.querySelector('main > div').remove()`)
    await expectText(page, 'document.title', 'Home')
    await page.context().close()
  })

  it('says nothing of a notification that is no longer on the page', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'One')
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications/${id}`)
    await expectConnection(page, 'live')
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.method()))
    await page.evaluate(`visit('/')`)
    await host.notifications.recall(id)
    await host.tell('ada', 'Two')
    await expectBadge(page, '1')
    await page.evaluate(`fetch('/elsewhere')`)
    assert.ok(!asked.includes('HEAD'), asked.join(' '))
    await page.context().close()
  })

  it('marks as read what was fetched ahead when somebody sees it, and not before', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'One')
    const page = await openHome(host)
    const path = `/notifications/${id}`
    await page.route(`**${path}`, (route) => route.continue({ headers: { ...route.request().headers(), Purpose: 'prefetch' } }), {
      times: 1,
    })
    await page.addInitScript(`if (!sessionStorage.seen) Object.defineProperty(document, 'hidden', { get: () => !sessionStorage.seen })`)
    await page.goto(`${host.url}${path}`)
    await expectText(page, 'document.title', '(1) Notification: One')
    await page.getByText('Unread', { exact: true }).waitFor()
    await page.evaluate(`fetch('/elsewhere')`)
    assert.equal(await host.notifications.unreadCount('ada'), 1)
    await page.evaluate(`sessionStorage.seen = true, document.dispatchEvent(new Event('visibilitychange'))`)
    await page.getByRole('button', { name: 'Mark as unread' }).waitFor()
    await expectText(page, 'document.title', 'Notification: One')
    assert.equal(await host.notifications.unreadCount('ada'), 0)
    await page.context().close()
  })

  it('leaves a notification unread, and on the page, where that could not be changed', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'One')
    const page = await openHome(host)
    const asked: string[] = []
    await page.route(`**/notifications/${id}**`, (route, request) => {
      asked.push(request.method())
      if (request.method() === 'POST') return route.fulfill({ status: 503 })
      return route.continue({ headers: { ...request.headers(), Purpose: 'prefetch' } })
    })
    const refused = page.waitForResponse((response) => response.status() === 503)
    await page.goto(`${host.url}/notifications/${id}`)
    await refused
    await page.evaluate(`fetch('/elsewhere')`)
    await page.getByText('Unread', { exact: true }).waitFor()
    assert.deepEqual(asked, ['GET', 'POST'])
    await page.context().close()
  })

  it('has nothing fetched ahead by Turbo that a visit marks as read', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await expectPanel(page, 'One')
    await page.evaluate(`rendered('main', '/latest').then((list) => document.body.append(list))`)
    await page.evaluate(`rendered('main', '/notifications').then((inbox) => document.body.append(inbox))`)
    const links = `[...document.querySelectorAll('.belfry-title a')].map((link) => link.dataset.turboPrefetch)`
    await expectText(page, links, ['false', 'false', 'false'])
    await page.context().close()
  })

  it('leaves alone what was selected in an inbox that is no longer there', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openHome(host)
    await page.goto(`${host.url}/notifications`)
    await expectConnection(page, 'live')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.locator('.belfry-box:checked').waitFor()
    const asked: string[] = []
    page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
    await page.evaluate(`document.querySelector('main').replaceChildren('Another page')`)
    await page.keyboard.press('e')
    await host.tell('ada', 'Two')
    await expectBadge(page, '2')
    // What would have been asked before is answered before.
    await page.evaluate(`fetch('/elsewhere')`)
    assert.deepEqual(asked, ['GET /elsewhere'])
    await page.context().close()
  })
})
