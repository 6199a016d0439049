import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const SECRET = 'What nobody else may read'

/** Ada's pages at these addresses, each in a tab, and a tab more in which she does something else. */
async function openTabs(url: string, paths: readonly string[], colorScheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({ colorScheme })
  const other = await context.newPage()
  await other.goto(`${url}/sign-in/ada`)
  const pages: Page[] = []
  for (const path of paths) {
    const page = await openTab(context, url + path)
    await expectConnection(page, 'live')
    pages.push(page)
  }
  return { context, other, pages }
}

/** All that can be read on a page, its title included. */
const legible = (page: Page) => page.evaluate<string>(`document.title + document.documentElement.textContent`)
const says = (page: Page) => page.getByRole('heading', { level: 1, name: 'You are signed out.' })

async function expectNothingOf(page: Page): Promise<void> {
  await says(page).waitFor()
  assert.ok(!(await legible(page)).includes(SECRET), 'it can still be read')
  assert.equal(await page.getByRole('main').getByRole('button').count(), 0)
}

async function close(context: BrowserContext, pages: readonly Page[]): Promise<void> {
  for (const page of pages) assert.deepEqual((await shownBy(page)).violations, [])
  await context.close()
}

describe('a page of the inbox that is open when one signs out elsewhere', () => {
  for (const scheme of ['light', 'dark'] as const) {
    it(`says so, shows nothing of it any more and leads to signing in, and back; in ${scheme}`, async () => {
      await using host = await Host.start({ signInPath: '/elsewhere' })
      const { id } = await host.tell('ada', SECRET)
      const { context, other, pages } = await openTabs(
        host.url,
        ['/notifications?filter=unread', `/notifications/${id}`, '/notifications/preferences'],
        scheme,
      )
      await other.goto(`${host.url}/sign-out`)
      for (const page of pages) await expectNothingOf(page)
      const [inbox] = pages as [Page]
      await expectText(inbox, `document.querySelector('[role=status]').textContent`, 'You are signed out.')
      const { violations } = await new AxeBuilder({ page: inbox }).analyze()
      assert.deepEqual(violations, [])
      await inbox.getByRole('link', { name: 'Sign in' }).click()
      await inbox.waitForURL(`**/elsewhere?next=${encodeURIComponent('/notifications?filter=unread')}`)
      await close(context, pages)
    })
  }

  it('is as it was when the same person signs in again', async () => {
    await using host = await Host.start()
    await host.tell('ada', SECRET)
    const { context, other, pages } = await openTabs(host.url, ['/notifications'])
    const [page] = pages as [Page]
    await other.goto(`${host.url}/sign-out`)
    await expectNothingOf(page)
    await other.goto(`${host.url}/sign-in/ada`)
    await page.getByRole('link', { name: SECRET }).waitFor()
    await expectConnection(page, 'live')
    await close(context, pages)
  })

  it('shows nothing of it to somebody else who signs in, and leads nowhere where nobody knows how one signs in', async () => {
    await using host = await Host.start()
    await host.tell('ada', SECRET)
    const { context, other, pages } = await openTabs(host.url, ['/notifications'])
    const [page] = pages as [Page]
    await page.getByRole('button', { name: 'Mark all as read' }).focus()
    await other.goto(`${host.url}/sign-in/bob`)
    await expectNothingOf(page)
    assert.equal(await page.getByRole('link', { name: 'Sign in' }).count(), 0)
    await expectText(page, 'document.activeElement.textContent', 'You are signed out.')
    await close(context, pages)
  })

  it('says so in the language of the page, and where the layout has no bell', async () => {
    const layout = ({ head, body }: PageParts) =>
      `<!doctype html><html lang="pl"><head><title>Skrzynka</title>${head}</head><body><main>${body}</main></body></html>`
    await using host = await Host.start({ layout })
    await host.tell('ada', SECRET)
    const { context, other, pages } = await openTabs(host.url, ['/notifications'])
    const [page] = pages as [Page]
    await other.goto(`${host.url}/sign-out`)
    await page.getByRole('heading', { name: 'Wylogowano.' }).waitFor()
    assert.ok(!(await legible(page)).includes(SECRET))
    await expectText(page, `document.querySelector('[role=status]').textContent`, 'Wylogowano.')
    await close(context, pages)
  })

  it('is loaded again where the words for it cannot be fetched', async () => {
    await using host = await Host.start({ signInPath: '/elsewhere' })
    const { context, other, pages } = await openTabs(host.url, ['/notifications'])
    const [page] = pages as [Page]
    await page.route(/\/over\.js/, (route) => route.abort())
    await other.goto(`${host.url}/sign-out`)
    await page.waitForURL('**/elsewhere?next=**')
    await context.close()
  })

  it('is told by its own list, and asks no more', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = proxy.streams = 'refuse'
    await host.tell('ada', SECRET)
    const context = await browser.newContext()
    const page = await openTab(context, `${proxy.url}/sign-in/ada`)
    await page.goto(`${proxy.url}/notifications`)
    await expectConnection(page, 'polling')
    await context.request.get(`${host.url}/sign-out`)
    // A newer state makes the inbox read its list.
    await page.route('**/unread?**', (route) => route.fulfill({ json: { epoch: 'restored', version: 1, unread: 1 } }))
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
    await expectNothingOf(page)
    assert.equal(proxy.asked.filter((path) => path.includes('/notifications?limit')).length, 1)
    await context.close()
  })
})

describe('a page of the host that was put away while one signed out', () => {
  it('hears of changes for good when one is signed in again and goes back to it', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.request.get(`${host.url}/sign-in/ada`)
    const page = await openTab(context, host.url)
    await expectConnection(page, 'live')
    await page.evaluate(`(async () => {
      const over = new Promise((done) => addEventListener('belfry-change', ({ detail }) => detail.connection === 'signed-out' && done()))
      await fetch('/sign-out')
      await over
      document.dispatchEvent(new Event('freeze'))
      await fetch('/sign-in/ada')
      document.dispatchEvent(new Event('resume'))
    })()`)
    await expectConnection(page, 'live')
    // By then all has come that was planned before.
    await page.evaluate('new Promise((done) => setTimeout(done, 300))')
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    await context.close()
  })
})

describe('the panel that is open when one signs out elsewhere', () => {
  it('shows nothing of what it had, also where it is opened only afterwards, and is whole again when the same person is back', async () => {
    await using host = await Host.start()
    await host.tell('ada', SECRET)
    const { context, other, pages } = await openTabs(host.url, ['/', '/elsewhere'])
    const [opened, later] = pages as [Page, Page]
    const panel = (page: Page) => page.locator('.belfry-panel')
    await opened.locator('.belfry-bell').click()
    await panel(opened).getByRole('link', { name: SECRET }).focus()
    await other.goto(`${host.url}/sign-out`)
    await expectText(opened, `document.activeElement.textContent`, 'Sign in')
    assert.ok(!(await legible(opened)).includes(SECRET))
    await later.bringToFront()
    await later.locator('.belfry-bell').click()
    await panel(later).getByText('You are signed out.').waitFor()
    await other.goto(`${host.url}/sign-in/ada`)
    for (const page of [opened, later]) {
      await panel(page).getByRole('link', { name: SECRET }).waitFor()
      assert.equal(await panel(page).getByText('You are signed out.').count(), 0)
    }
    await opened.bringToFront()
    await panel(opened).getByRole('button', { name: 'Archive' }).click()
    await panel(opened).getByRole('button', { name: 'Undo' }).waitFor()
    await close(context, pages)
  })
})
