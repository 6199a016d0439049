import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expectConnection, expectText, launchBrowser, openTab } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const LONG = 'The nightly backup of the customer database has been finished on all of the three machines, and was compared with the one before'

const ROOMS: readonly [string, BrowserContextOptions][] = [
  ['375 px wide', { viewport: { width: 375, height: 700 } }],
  ['375 px wide and touched', { viewport: { width: 375, height: 700 }, hasTouch: true, isMobile: true }],
  ['wide', { viewport: { width: 1100, height: 700 } }],
  ['wide and touched', { viewport: { width: 1100, height: 700 }, hasTouch: true }],
]

/** Ada's inbox with titles of several lines, one of them read, on a page that reads in this direction. */
async function openInbox(host: Host, options: BrowserContextOptions, dir: string): Promise<Page> {
  for (const title of [LONG, `${LONG}, again`, 'w'.repeat(200)]) {
    await host.notifications.notify({ to: { user: 'ada' }, title, body: LONG, level: 'warning', category: 'backups', data: { from: LONG } })
  }
  const { items } = await host.notifications.list('ada')
  await host.notifications.markAsRead('ada', items[1]?.id ?? '')
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, `${host.url}/notifications`)
  await expectConnection(page, 'live')
  await page.evaluate(`document.documentElement.dir = '${dir}'`)
  return page
}

/** Which buttons of a row lie over its text, or beyond the row. */
const COVERED = `(row) => {
  const boxesOf = (element) => {
    const range = document.createRange()
    range.selectNodeContents(element)
    // Of a text that is cut after its first line, the others are not to be seen.
    const { bottom } = element.getBoundingClientRect()
    return [...range.getClientRects()].filter((box) => box.width > 1 && box.top < bottom - 1)
  }
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
  const own = row.getBoundingClientRect()
  const text = [...row.querySelectorAll('.belfry-item-text > *, .belfry-actions > time')].flatMap(boxesOf)
  const lies = (box) => text.some((line) => meet(line, box)) || box.left < own.left - 1 || box.right > own.right + 1 || box.bottom > own.bottom + 1
  return [...row.querySelectorAll('button')]
    .filter((button) => button.checkVisibility() && lies(button.getBoundingClientRect()))
    .map((button) => button.textContent + ': ' + row.querySelector('[data-slot=title]').textContent.slice(0, 20))
}`

/** Of all rows, each while it is pointed at. */
async function covered(page: Page, rows: string): Promise<string[]> {
  const found: string[] = []
  for (const [at, row] of (await page.locator(rows).all()).entries()) {
    await row.hover({ position: { x: 2, y: 2 } })
    found.push(...(await page.evaluate<string[]>(`(${COVERED})(document.querySelectorAll('${rows}')[${at}])`)))
  }
  return found
}

describe('the buttons of a row cover no text', () => {
  for (const [room, options] of ROOMS) {
    for (const dir of ['ltr', 'rtl']) {
      it(`${room}, ${dir}: in the inbox, while rows are selected, and in the panel`, async () => {
        await using host = await Host.start()
        const page = await openInbox(host, options, dir)
        const rows = 'li[data-notification-id]'
        assert.deepEqual(await covered(page, rows), [])
        await page.getByRole('button', { name: 'Select', exact: true }).click()
        await page.getByRole('checkbox').first().waitFor()
        assert.deepEqual(await covered(page, rows), [])
        await page.getByRole('button', { name: /^Notifications, / }).click()
        await expectText(page, `document.querySelectorAll('.belfry-panel [data-id]').length`, 3)
        assert.deepEqual(await covered(page, '.belfry-panel [data-id]'), [])
        await page.context().close()
      })
    }
  }

  it('nor cut it short: below its title it has the whole width of a wide row', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 1100, height: 700 } }, 'ltr')
    const missing = `[...document.querySelectorAll('li[data-notification-id]')].map((row) => {
      const ends = [row, row.querySelector('.belfry-body')].map((part) => part.getBoundingClientRect().right)
      return ends[0] - ends[1] - parseFloat(getComputedStyle(row).paddingRight)
    })`
    assert.deepEqual(await page.evaluate(missing), [0, 0, 0])
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox').first().waitFor()
    assert.deepEqual(await page.evaluate(missing), [0, 0, 0])
    await page.context().close()
  })

  it('nor break its title anew where a row is marked, and the words on them are others', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 1100, height: 700 } }, 'ltr')
    const widths = `[...document.querySelectorAll('.belfry-title')].map((title) => title.getBoundingClientRect().width)`
    const before = await page.evaluate(widths)
    await page.locator('li[data-notification-id]').first().hover()
    await page.getByRole('button', { name: 'Mark as read' }).first().click()
    await page.getByRole('button', { name: 'Mark as unread' }).first().waitFor()
    assert.deepEqual(await page.evaluate(widths), before)
    await page.context().close()
  })

  it('in a narrow column of a wide page, where they are there without being pointed at', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 1100, height: 700 } }, 'ltr')
    await page.mouse.move(0, 0)
    const opacity = `getComputedStyle(document.querySelector('.belfry-actions')).opacity`
    assert.equal(await page.evaluate(opacity), '0')
    await page.evaluate(`document.querySelector('main').style.maxWidth = '22rem'`)
    assert.equal(await page.evaluate(opacity), '1')
    assert.deepEqual(await covered(page, 'li[data-notification-id]'), [])
    await page.context().close()
  })

  it('and a list in a column as wide as what is in it keeps its room', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 1100, height: 700 } }, 'ltr')
    const width = await page.evaluate<number>(`{
      const column = document.createElement('div')
      column.style.display = 'inline-block'
      column.append(document.querySelector('.belfry-list'))
      document.body.append(column)
      column.offsetWidth
    }`)
    assert.ok(width > 200, `${width}`)
    await page.context().close()
  })
})
