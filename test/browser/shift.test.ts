import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { expectBadge, expectConnection, launchBrowser, openTabSignedIn } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Writes down from the first moment on what moved, and where it stood before and after. */
const WATCH = `
  window.shifts = []
  const place = ({ x, y, width, height }) => [x, y, width, height].join(' ')
  window.note = (entries) => {
    for (const { value, sources } of entries) {
      shifts.push({ value, moved: sources.map(({ node, previousRect, currentRect }) => (node?.outerHTML ?? node?.textContent ?? '').slice(0, 80) + ': ' + place(previousRect) + ' to ' + place(currentRect)) })
    }
  }
  window.watch = new PerformanceObserver((list) => note(list.getEntries()))
  watch.observe({ type: 'layout-shift', buffered: true })`

/** Entries are made when a frame was drawn: two frames later all that had moved until now is there, be it told yet or not. */
const SHIFTS = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
  note(watch.takeRecords())
  resolve(shifts)
})))`

/** Ada, who has read all of 125 notifications; the oldest hundred stand on no page that she looks at. */
async function readAll(app: TestApp) {
  const { id } = await app.addUser('ada')
  const user = String(id)
  const drafts = Array.from({ length: 125 }, (_, n) => ({ to: { user }, title: `Number ${n}` }))
  const stored = await Promise.all(drafts.map((draft) => app.notifications.notify(draft)))
  const ids = stored.map((notification) => notification.id)
  await app.notifications.markAsRead(user, ids)
  return { user, oldest: ids.slice(0, 100) }
}

function placeOfBadge(page: Page): Promise<{ readonly height: number }> {
  return page.evaluate(`document.querySelector('.belfry-badge').getBoundingClientRect().toJSON()`)
}

async function expectNothingMoved(page: Page, when: string): Promise<void> {
  assert.deepEqual(await page.evaluate(SHIFTS), [], when)
}

describe('a page that comes line by line', () => {
  for (const width of [375, 1100]) {
    it(`is drawn without anything that moves later, ${width} px wide`, async () => {
      await using app = await startTestApp()
      await using proxy = await FaultyProxy.before(app.url)
      const { user, oldest } = await readAll(app)
      await app.notifications.markAsUnread(user, oldest)
      const context = await browser.newContext({ viewport: { width, height: 800 } })
      await context.addInitScript(WATCH)
      const page = await openTabSignedIn(context, proxy.url, 'ada', PASSWORD)
      proxy.trickle = true
      for (const path of ['/notifications', '/messages/new', '/account']) {
        await page.goto(`${proxy.url}${path}`)
        await expectConnection(page, 'live')
        await expectNothingMoved(page, path)
      }
      await context.close()
    })
  }
})

describe('the inbox of a phone', () => {
  for (const language of ['en', 'pl', 'ar'] as const) {
    it(`keeps its place when the script adds its buttons, in '${language}'`, async () => {
      await using host = await Host.start({ language })
      for (let n = 0; n < 8; n++) await host.tell('ada', `Number ${n}`)
      for (const width of [320, 375, 430]) {
        const context = await browser.newContext({ viewport: { width, height: 700 } })
        await context.addInitScript(WATCH)
        await context.request.get(`${host.url}/sign-in/ada`)
        const page = await context.newPage()
        await page.goto(`${host.url}/notifications`)
        await expectConnection(page, 'live')
        await page.locator('.belfry-head > .belfry-button').waitFor()
        await expectNothingMoved(page, `${width} px wide`)
        await context.close()
      }
    })
  }
})

describe('the badge', () => {
  for (const width of [375, 1100]) {
    it(`moves nothing of the inbox when it goes from 0 to 1, to 100 and to 0 again, ${width} px wide`, async () => {
      await using app = await startTestApp()
      const { user, oldest } = await readAll(app)
      const context = await browser.newContext({ viewport: { width, height: 800 } })
      await context.addInitScript(WATCH)
      const page = await openTabSignedIn(context, app.url, 'ada', PASSWORD)
      await expectConnection(page, 'live')
      await expectNothingMoved(page, 'the page with 0')
      await app.notifications.markAsUnread(user, oldest.slice(0, 1))
      await expectBadge(page, '1')
      await expectNothingMoved(page, '0 to 1')
      const { height } = await placeOfBadge(page)
      await app.notifications.markAsUnread(user, oldest)
      await expectBadge(page, '99+')
      await expectNothingMoved(page, '1 to 100')
      assert.equal((await placeOfBadge(page)).height, height, '99+ stands on one line')
      await app.notifications.markAsRead(user, oldest)
      await expectBadge(page, '')
      await expectNothingMoved(page, '100 to 0')
      await app.notifications.markAsUnread(user, oldest)
      await page.goto(`${app.url}/account`)
      await expectConnection(page, 'live')
      await expectNothingMoved(page, 'a page that comes with 100')
      await context.close()
    })
  }
})
