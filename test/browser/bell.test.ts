import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** One browser of one person, with as many tabs of the home page. */
async function signIn(host: Host, who: string, tabs = 1): Promise<{ context: BrowserContext; pages: Page[] }> {
  const context = await browser.newContext()
  const pages = [await openTab(context, `${host.url}/sign-in/${who}`)]
  while (pages.length < tabs) pages.push(await openTab(context, host.url))
  for (const page of pages) await expectConnection(page, 'live')
  return { context, pages }
}

describe('the bell', () => {
  it('shows each person their own count within a second, in every tab, over one connection a browser', async () => {
    await using host = await Host.start()
    const ada = await signIn(host, 'ada', 3)
    const bob = await signIn(host, 'bob')
    assert.equal(await host.connections(), 2)
    await host.tell('ada', 'For Ada')
    for (const page of ada.pages) await expectBadge(page, '1', 1000)
    await host.tell('bob', 'For Bob')
    await host.tell('bob', 'Again for Bob')
    for (const page of bob.pages) await expectBadge(page, '2', 1000)
    for (const page of ada.pages) assert.deepEqual((await shownBy(page)).badge, ['', '1'])
    await ada.context.close()
    await bob.context.close()
  })

  it('puts the count before the title, into its own name and its attribute, and breaks no rule of the page', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada')
    const page = pages[0] as Page
    await host.tell('ada', 'One')
    await expectText(page, 'document.title', '(1) Home')
    await host.notifications.notify({ to: { users: ['ada', 'bob'] }, title: 'Two' })
    await expectText(page, 'document.title', '(2) Home')
    await page.getByRole('banner').getByLabel('Notifications, 2 unread').first().waitFor()
    await expectText(page, `document.querySelector('notification-bell').getAttribute('unread')`, '2')
    for (let more = 0; more < 98; more++) await host.tell('ada', `More ${more}`)
    await expectBadge(page, '99+')
    await expectText(page, 'document.title', '(99+) Home')
    await expectText(page, `document.querySelector('notification-bell').getAttribute('unread')`, '100')
    assert.deepEqual((await shownBy(page)).violations, [])
    await context.close()
  })

  it('keeps the count before a title that the page sets anew, and makes none where there is none', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openTab(await browser.newContext(), `${host.url}/sign-in/ada`)
    await expectText(page, 'document.title', '(1) Home')
    for (const [set, title] of [
      [`document.title = 'Next'`, '(1) Next'],
      [`document.querySelector('title').firstChild.nodeValue = 'Written over'`, '(1) Written over'],
      [`document.querySelector('title').replaceWith(Object.assign(document.createElement('title'), { text: 'Another' }))`, '(1) Another'],
      [`document.title = ''`, ''],
    ]) {
      await page.evaluate(set as string)
      await expectText(page, 'document.title', title)
    }
    await host.tell('ada', 'Two')
    await expectBadge(page, '2')
    assert.equal(await page.title(), '')
    await page.evaluate(`document.title = 'Home'`)
    await expectText(page, 'document.title', '(2) Home')
    await page.evaluate(`document.querySelector('notification-bell').remove(), document.title = 'Without'`)
    assert.equal(await page.evaluate(`new Promise((later) => setTimeout(later, 200)).then(() => document.title)`), 'Without')
    await page.context().close()
  })

  it('keeps the count before the title as long as another one is on the page', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openTab(await browser.newContext(), `${host.url}/sign-in/ada`)
    await expectConnection(page, 'live')
    await page.evaluate(`document.body.append(document.querySelector('notification-bell').cloneNode(true))`)
    await expectText(page, `document.querySelectorAll('notification-bell [aria-expanded]').length`, 2)
    await page.evaluate(`document.querySelector('notification-bell').remove(), document.title = 'Next'`)
    await expectText(page, 'document.title', '(1) Next')
    await page.context().close()
  })

  it('takes the count out of the title when the last one leaves the page, and nothing later of the page’s own', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openTab(await browser.newContext(), `${host.url}/sign-in/ada`)
    await expectText(page, 'document.title', '(1) Home')
    await page.evaluate(`window.taken = document.querySelector('notification-bell'), document.querySelector('main').append(taken)`)
    await expectText(page, 'document.title', '(1) Home')
    await page.evaluate('taken.remove()')
    assert.equal(await page.title(), 'Home')
    await host.tell('ada', 'Two')
    await page.evaluate('document.body.append(taken)')
    await expectText(page, 'document.title', '(2) Home')
    await page.evaluate(`taken.remove(), document.title = '(7) Letters'`)
    assert.equal(await page.evaluate(`new Promise((later) => setTimeout(later, 200)).then(() => document.title)`), '(7) Letters')
    await page.context().close()
  })

  it('lets the page go on where another script insists on a title without the count', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openTab(await browser.newContext(), `${host.url}/sign-in/ada`)
    await expectConnection(page, 'live')
    await page.evaluate(`
      window.insisted = []
      new MutationObserver(() => {
        if (document.title === 'Mine') return
        insisted.push(performance.now())
        document.title = 'Mine'
      }).observe(document.head, { subtree: true, childList: true, characterData: true })
      document.title = 'Other'`)
    await expectText(page, 'insisted.length > 10', true)
    // A little more than nine tenths of a second, as the two take turns and do not become more.
    assert.ok((await page.evaluate<number>('insisted[10] - insisted[0]')) > 900)
    await page.context().close()
  })

  it('announces a burst at most twice, and no decrease', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada')
    const page = pages[0] as Page
    for (let n = 1; n <= 30; n++) await host.tell('ada', `Number ${n}`)
    await expectBadge(page, '30')
    await expectText(page, 'window.shown.status.length', 3, 10_000)
    const { status } = await shownBy(page)
    assert.match(status[2] ?? '', /\. 30 unread$/)
    const { items } = await host.notifications.list('ada', { limit: 30 })
    await host.notifications.markAsRead(
      'ada',
      items.map(({ id }) => id),
    )
    await expectBadge(page, '')
    assert.equal((await shownBy(page)).status.length, 3)
    await context.close()
  })

  it('comes back by itself after the server was killed and started again on the same port, without a wrong number', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 2)
    await host.tell('ada', 'Before')
    for (const page of pages) await expectBadge(page, '1')
    await host.kill()
    for (const page of pages) await expectConnection(page, 'offline')
    await host.start()
    await host.tell('ada', 'While nobody was connected')
    for (const page of pages) {
      await expectConnection(page, 'live', 20_000)
      await expectBadge(page, '2')
      assert.deepEqual((await shownBy(page)).badge, ['', '1', '2'])
    }
    await context.close()
  })

  it('comes back after a restart within the time that the server named', async () => {
    await using host = await Host.start({ reconnectWithin: 1 })
    const { context, pages } = await signIn(host, 'ada')
    await host.stop()
    await host.start()
    await host.tell('ada', 'After the restart')
    await expectBadge(pages[0] as Page, '1', 10_000)
    await context.close()
  })

  it('says in every tab that the session is over when one signs out, and asks no more', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 3)
    const asked: string[] = []
    context.on('request', (request) => asked.push(request.url()))
    await (pages[2] as Page).goto(`${host.url}/sign-out`)
    for (const page of pages.slice(0, 2)) await expectConnection(page, 'signed-out', 2000)
    await eventually(
      async () => (await host.connections()) === 0,
      () => 'sockets are left',
    )
    await (pages[1] as Page).waitForTimeout(1500)
    assert.deepEqual(
      asked.filter((url) => url.includes('/notifications')),
      [],
    )
    await context.close()
  })

  it('says nothing more of what arrived before one signed out, and leaves no title of it behind', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 2)
    const [page, other] = pages as [Page, Page]
    await host.tell('ada', 'The first')
    await expectText(page, `document.querySelector('[role=status]').textContent`, 'New notification: The first. 1 unread')
    await host.tell('ada', 'A secret')
    await expectBadge(page, '2')
    await other.goto(`${host.url}/sign-out`)
    await expectConnection(page, 'signed-out', 2000)
    await page.waitForTimeout(3500)
    const { status } = await shownBy(page)
    assert.deepEqual([status.at(-1), status.some((words) => words.includes('secret'))], ['You are signed out.', false])
    await context.close()
  })

  it('goes on in every tab when the page got another session without being left, as soon as somebody does something there', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 2)
    const [page] = pages as [Page]
    await page.evaluate(`fetch('/renew', { method: 'POST' }).then(() => { window.renewed = true })`)
    for (const one of pages) await expectConnection(one, 'signed-out')
    await expectText(page, 'window.renewed', true)
    await host.tell('ada', 'For who she still is')
    await page.keyboard.press('Shift')
    for (const one of pages) await expectConnection(one, 'live')
    for (const one of pages) await expectBadge(one, '1')
    assert.equal(await host.connections(), 1)
    await context.close()
  })

  it('never shows one person the count of another who signed in behind the page', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 2)
    for (let n = 0; n < 5; n++) await host.tell('bob', `For Bob ${n}`)
    await (pages[0] as Page).goto(`${host.url}/sign-in/bob`)
    await expectBadge(pages[0] as Page, '5')
    await expectConnection(pages[1] as Page, 'signed-out', 2000)
    await (pages[1] as Page).evaluate(`window.dispatchEvent(new Event('online')); document.dispatchEvent(new Event('visibilitychange'))`)
    await (pages[1] as Page).waitForTimeout(500)
    assert.deepEqual((await shownBy(pages[1] as Page)).badge, [''])
    await context.close()
  })

  it('goes on in the other tabs when the same person signs in again', async () => {
    await using host = await Host.start()
    const { context, pages } = await signIn(host, 'ada', 2)
    await (pages[0] as Page).goto(`${host.url}/sign-out`)
    await expectConnection(pages[1] as Page, 'signed-out')
    await (pages[0] as Page).goto(`${host.url}/sign-in/ada`)
    for (const page of pages) await expectConnection(page, 'live')
    await host.tell('ada', 'Welcome back')
    for (const page of pages) await expectBadge(page, '1')
    assert.equal(await host.connections(), 1)
    await (pages[0] as Page).close()
    await host.tell('ada', 'And on it goes')
    await expectBadge(pages[1] as Page, '2')
    await context.close()
  })

  it('is a plain link with the right count where there is no JavaScript', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'Without scripts')
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${host.url}/sign-in/ada`)
    assert.equal(await page.locator('.belfry-badge').textContent(), '1')
    await page.getByRole('link', { name: 'Notifications, 1 unread' }).click()
    await page.getByRole('button', { name: 'Mark as read' }).click()
    assert.equal(await page.locator('[data-notification-id]').getAttribute('data-state'), 'read')
    assert.equal(await page.locator('.belfry-badge').textContent(), '')
    await context.close()
  })
})
