import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectConnection, launchBrowser, openTab } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const ARABIC = 'مرحبا بكم!'
/** From here on everything would be written from right to left. */
const TURNED = '\u202Eevil'

async function open(host: Host, path: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } })
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, host.url + path)
  await expectConnection(page, 'live')
  return page
}

/** Says of the text in each element whether its last character stands left of its first, and whether it begins at the left edge. */
const written = (selector: string) => `[...document.querySelectorAll('${selector}')].map((element) => {
  const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode()
  const placeOf = (at) => {
    const range = document.createRange()
    range.setStart(text, at)
    range.setEnd(text, at + 1)
    return range.getBoundingClientRect().left
  }
  return placeOf(text.length - 1) < placeOf(0)
})`

describe('what people write on a page from left to right', () => {
  it('keeps its own direction, its punctuation at its end, and in lists the edge of the page', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: ARABIC, body: ARABIC, category: ARABIC, data: { from: ARABIC } })
    const page = await open(host, '/notifications')
    const parts = ['title', 'body', 'from', 'category'].map((slot) => `[data-notification-id] [data-slot=${slot}]`).join(', ')
    const edges = `['title', 'body'].map((slot) => {
      const range = document.createRange()
      range.selectNodeContents(document.querySelector('.belfry-list [data-slot=' + slot + ']'))
      return Math.round(range.getBoundingClientRect().left - document.querySelector('.belfry-title').getBoundingClientRect().left)
    })`
    assert.deepEqual(await page.evaluate(written(parts)), [true, true, true, true])
    assert.deepEqual(await page.evaluate(edges), [0, 0])
    await host.notifications.notify({ to: { user: 'ada' }, title: ARABIC, body: ARABIC, category: ARABIC, data: { from: ARABIC } })
    await page.locator('[data-notification-id]').nth(1).waitFor()
    assert.deepEqual(await page.evaluate(written(parts)), Array(8).fill(true), 'made by script')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await page.locator('.belfry-panel [data-id]').first().waitFor()
    assert.deepEqual(await page.evaluate(written('.belfry-panel [data-slot=title], .belfry-panel .belfry-body')), Array(4).fill(true), 'panel')
    await page.goto(`${host.url}/notifications/${id}`)
    assert.deepEqual(await page.evaluate(written('h1, .belfry-words, .belfry-meta strong, .belfry-category')), Array(4).fill(true), 'item')
    await page.context().close()
  })

  it('turns nothing that stands beside it', async () => {
    await using host = await Host.start()
    await host.notifications.notify({ to: { user: 'ada' }, title: TURNED, body: TURNED, category: TURNED, data: { from: TURNED } })
    const page = await open(host, `/notifications?category=${encodeURIComponent(TURNED)}`)
    assert.deepEqual(await page.evaluate(written('.belfry-chosen a, [data-slot=time]')), [false, false])
    const beside = `document.querySelector('.belfry-chosen strong').getBoundingClientRect().right <= document.querySelector('.belfry-chosen a').getBoundingClientRect().left`
    assert.equal(await page.evaluate(beside), true)
    await page.locator('[data-notification-id]').hover()
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('button', { name: 'Undo' }).waitFor()
    assert.deepEqual(await page.evaluate(written('.belfry-undo span, .belfry-undo bdi, .belfry-undo button')), [false, true, false])
    await page.context().close()
  })
})
