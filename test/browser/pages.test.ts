import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn, shownBy } from '../helpers/browser.js'

const LOOKS: readonly [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['forced colours', { forcedColors: 'active' }],
  ['320 px, touched', { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }],
]
const LEVELS = ['info', 'success', 'warning', 'error'] as const
const NO_SCRIPTS = { javaScriptEnabled: false }

describe('the pages of a person, in a browser', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  /** Ada's browser, signed in. */
  async function signedIn(app: TestApp, options: BrowserContextOptions = {}): Promise<Page> {
    return openTabSignedIn(await browser.newContext(options), app.url, 'ada', PASSWORD)
  }

  /** The app with Ada, who has one notification of each level; her id, and theirs, the newest first. */
  async function withInbox() {
    const app = await startTestApp()
    const ada = String((await app.addUser('ada')).id)
    for (const [n, level] of LEVELS.entries()) {
      const long = n === 0 ? 'x'.repeat(200) : `A ${level}`
      await app.notifications.notify({
        to: { user: ada },
        title: long,
        body: long,
        level,
        category: `about-${level}`,
        url: '/account',
        data: { from: long },
      })
    }
    const { items } = await app.notifications.list(ada)
    return { app, ada, ids: items.map(({ id }) => id) }
  }

  for (const [look, options] of LOOKS) {
    it(`have nothing that axe objects to, and never scroll sideways (${look})`, async () => {
      const { app, ids } = await withInbox()
      await using _ = app
      const page = await signedIn(app, options)
      const item = `/notifications/${ids.at(-1)}`
      for (const path of [
        '/notifications',
        '/notifications?filter=archived',
        '/notifications?category=about-info',
        item,
        '/notifications/missing',
        '/account',
        '/messages/new',
      ]) {
        await page.goto(app.url + path)
        const { violations } = await new AxeBuilder({ page }).analyze()
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${path} ${id}: ${nodes[0]?.html}`),
          [],
        )
        assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, path)
        assert.equal(await page.locator('[role=status]').count(), 1, path)
        assert.deepEqual((await shownBy(page)).violations, [], path)
      }
      await page.context().close()
    })
  }

  it('do all that one can do in an inbox without JavaScript', async () => {
    const { app, ada, ids } = await withInbox()
    await using _ = app
    const page = await signedIn(app, NO_SCRIPTS)
    const unread = () => page.getAttribute('notification-bell', 'unread')
    const row = (n: number) => page.locator(`[data-notification-id="${ids[n]}"]`)
    assert.equal(await page.title(), '(4) Notifications')
    await row(0).hover()
    await row(0).getByRole('button', { name: 'Mark as read' }).click()
    assert.deepEqual([await unread(), await row(0).getAttribute('data-state')], ['3', 'read'])
    await row(0).hover()
    await row(0).getByRole('button', { name: 'Mark as unread' }).click()
    assert.equal(await unread(), '4')
    await row(1).hover()
    await row(1).getByRole('button', { name: 'Archive' }).click()
    assert.deepEqual([await unread(), await row(1).count()], ['3', 0])
    await page.getByRole('link', { name: 'Archived' }).click()
    await row(1).hover()
    await row(1).getByRole('button', { name: 'Move to inbox' }).click()
    assert.match(await page.locator('[data-belfry-empty]').innerText(), /Nothing is archived/)
    await page.goto(`${app.url}/notifications`)
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    assert.deepEqual([await unread(), await page.title()], ['0', 'Notifications'])
    assert.equal(await page.getByRole('button', { name: 'Mark all as read' }).isVisible(), false)
    assert.equal(await app.notifications.unreadCount(ada), 0)
    await page.context().close()
  })

  it('make the whole row the link, which reads it, and offer what it is about', async () => {
    const { app, ids } = await withInbox()
    await using _ = app
    const page = await signedIn(app, NO_SCRIPTS)
    const box = await page.locator(`[data-notification-id="${ids[0]}"]`).boundingBox()
    assert.ok(box)
    await page.mouse.click(box.x + 4, box.y + box.height - 4)
    await page.waitForURL(`${app.url}/notifications/${ids[0]}`)
    assert.equal(await page.getAttribute('notification-bell', 'unread'), '3')
    await page.getByRole('link', { name: 'Open the page' }).click()
    assert.equal(page.url(), `${app.url}/account`)
    await page.goto(`${app.url}/notifications`)
    await page.getByRole('link', { name: 'about-success' }).click()
    assert.equal(await page.locator('[data-notification-id]').count(), 1)
    await page.context().close()
  })

  it('lead past the header to the content by the first key, and show the actions of a row that has the focus', async () => {
    const { app, ids } = await withInbox()
    await using _ = app
    const page = await signedIn(app, { ...NO_SCRIPTS, reducedMotion: 'reduce' })
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content')
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).clipPath'), 'none')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate('document.activeElement.id'), 'main')
    const opacity = () => page.evaluate(`getComputedStyle(document.querySelector('[data-notification-id="${ids[0]}"] .belfry-actions')).opacity`)
    await page.mouse.move(0, 0)
    assert.equal(await opacity(), '0')
    await page.locator(`[data-notification-id="${ids[0]}"] [data-slot-link]`).focus()
    assert.equal(await opacity(), '1')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Mark as read')
    await page.context().close()
  })

  it('keep the place of the badge while it is empty: nothing moves when it fills', async () => {
    const { app } = await withInbox()
    await using _ = app
    const page = await signedIn(app, NO_SCRIPTS)
    const places = () =>
      page.evaluate<string>(
        `JSON.stringify([...document.querySelectorAll('.site *:not(.belfry-badge)')].map((element) => element.getBoundingClientRect()))`,
      )
    const four = await places()
    for (const text of ['', '1', '99+']) {
      await page.evaluate(`document.querySelector('.belfry-badge').textContent = ${JSON.stringify(text)}`)
      assert.equal(await places(), four, text)
    }
    await page.context().close()
  })

  for (const username of ['ada', 'a'.repeat(60)]) {
    it(`keep all of the header in sight and apart with letters twice as large (a name of ${username.length} letters)`, async () => {
      await using app = await startTestApp()
      await app.addUser(username, 'admin')
      const page = await openTabSignedIn(await browser.newContext(), app.url, username, PASSWORD)
      await page.evaluate(`document.documentElement.style.fontSize = '200%'`)
      for (const width of [320, 375, 768]) {
        await page.setViewportSize({ width, height: 800 })
        const unseen = await page.evaluate(`[...document.querySelectorAll('.site :is(a, button)')].filter((control) => {
          const { left, right, top, bottom } = control.getBoundingClientRect()
          return left < 0 || right > innerWidth || !control.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))
        }).map((control) => control.textContent)`)
        assert.deepEqual(unseen, [], `${width} px`)
      }
      await page.context().close()
    })
  }

  it('have no pale words, lines and edges for whoever asked for more contrast', async () => {
    const { app, ids } = await withInbox()
    await using _ = app
    const page = await signedIn(app, { contrast: 'more' })
    const row = `[data-notification-id="${ids[0]}"]`
    const colour = (part: string, property: string) => page.evaluate(`getComputedStyle(document.querySelector('${part}')).${property}`)
    const ink = await colour('body', 'color')
    assert.equal(await colour(`${row} .belfry-body`, 'color'), ink)
    assert.equal(await colour(row, 'borderBottomColor'), ink)
    assert.equal(await colour('.belfry-head .belfry-button', 'borderTopColor'), ink)
    await page.context().close()
  })

  it('say apart from their heading that choices need JavaScript', async () => {
    const { app } = await withInbox()
    await using _ = app
    const page = await signedIn(app, NO_SCRIPTS)
    await page.goto(`${app.url}/notifications/preferences`)
    const heading = await page.getByRole('heading', { level: 1 }).boundingBox()
    const words = await page.locator('noscript p').boundingBox()
    assert.ok(heading && words && words.y >= heading.y + heading.height + 8)
    await page.context().close()
  })

  it('put on paper what is written, and nothing that one could press there', async () => {
    const { app, ids } = await withInbox()
    await using _ = app
    await app.addUser('eve', 'admin')
    const page = await openTabSignedIn(await browser.newContext(), app.url, 'eve', PASSWORD)
    const pages = ['/admin/notifications', `/admin/notifications/${ids[0]}`]
    const hers = await signedIn(app)
    const herPages = ['/notifications', `/notifications/${ids[0]}`]
    for (const [tab, paths] of [
      [page, pages],
      [hers, herPages],
    ] as const) {
      await tab.emulateMedia({ media: 'print' })
      for (const path of paths) {
        await tab.goto(app.url + path)
        assert.match(await tab.locator('main').innerText(), /A error/, path)
        assert.equal(await tab.locator('button:visible, notification-bell:visible, nav:visible').count(), 0, path)
      }
      await tab.context().close()
    }
  })

  it('read from right to left as well as from left to right', async () => {
    const { app } = await withInbox()
    await using _ = app
    const page = await signedIn(app, { viewport: { width: 320, height: 640 } })
    await page.evaluate(`document.documentElement.dir = 'rtl'`)
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
    const [mark, title] = await Promise.all(['.belfry-mark', '.belfry-title'].map((part) => page.locator(part).first().boundingBox()))
    assert.ok(mark && title && mark.x > title.x)
    await page.context().close()
  })
})
