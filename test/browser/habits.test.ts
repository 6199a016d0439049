import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page, Route } from 'playwright-core'
import { expectConnection, expectText, launchBrowser, openTab } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Ada's inbox, in a window that is low, where a browser is not as this one by itself. */
async function openInbox(host: Host, habit = ''): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 500 } })
  await context.addInitScript(habit)
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, `${host.url}/notifications`)
  await expectConnection(page, 'live')
  return page
}

const bell = (page: Page) => page.getByRole('button', { name: /^Notifications/ })
const top = (selector: string) => `Math.round(document.querySelector('${selector}').getBoundingClientRect().top)`

describe('what browsers differ in', () => {
  it('leaves the panel below the bell on a page from right to left', async () => {
    await using host = await Host.start()
    const page = await openInbox(host)
    await page.evaluate(`document.documentElement.dir = 'rtl'`)
    await bell(page).click()
    const panel = await page.getByRole('dialog').boundingBox()
    const button = await bell(page).boundingBox()
    assert.ok(panel && button && button.x >= panel.x - 8 && button.x + button.width <= panel.x + panel.width, JSON.stringify({ panel, button }))
    await page.context().close()
  })

  it('leaves the focus at the bell where a click on a button does not put it there', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'First')
    const page = await openInbox(host)
    const focused = `document.activeElement.className`
    await page.evaluate(`document.querySelector('.belfry-bell').click()`)
    assert.equal(await page.evaluate(focused), 'belfry-bell')
    await page.locator('.belfry-panel [data-id]').waitFor()
    await page.keyboard.press('Tab')
    assert.ok(await page.evaluate(`document.activeElement.closest('.belfry-panel') !== null`))
    await page.keyboard.press('Escape')
    assert.equal(await page.evaluate(focused), 'belfry-bell')
    await page.context().close()
  })

  it('moves nothing below the pointer in a panel that was scrolled: what is new waits', async () => {
    await using host = await Host.start()
    for (let n = 1; n <= 10; n++) await host.tell('ada', `No. ${n}`)
    const page = await openInbox(host)
    await bell(page).click()
    await page.locator('.belfry-panel [data-id]').nth(9).waitFor()
    await page.evaluate(`document.querySelector('.belfry-panel').style.overflowAnchor = 'none'`)
    await page.evaluate(`document.querySelector('.belfry-panel').scrollTop = 200`)
    const last = top('.belfry-panel li:last-child')
    const before = await page.evaluate(last)
    await host.tell('ada', 'Late')
    await page.getByRole('button', { name: '1 new' }).waitFor()
    assert.equal(await page.locator('.belfry-panel [data-id]').count(), 10)
    assert.ok(Math.abs(Number(await page.evaluate(last)) - Number(before)) < 60, 'only the button came')
    await page.context().close()
  })

  it('moves nothing of what one reads in the inbox where rows above it go, nor where one comes back', async () => {
    await using host = await Host.start()
    const ids: string[] = []
    for (let n = 1; n <= 20; n++) ids.push((await host.tell('ada', `No. ${n}`)).id)
    const unanchored = `
      const { supports } = CSS
      CSS.supports = (condition) => !condition.includes('overflow-anchor') && supports.call(CSS, condition)
      document.addEventListener('DOMContentLoaded', () => (document.documentElement.style.overflowAnchor = 'none'))`
    const page = await openInbox(host, unanchored)
    await page.evaluate(`scrollTo(0, 700)`)
    const read = top(`li[data-notification-id="${ids[5]}"]`)
    const before = Number(await page.evaluate(read))
    // A page is scrolled by whole pixels.
    const stays = async () => Math.abs(Number(await page.evaluate(read)) - before) <= 1
    const rows = `document.querySelectorAll('li[data-notification-id]').length`
    await host.notifications.archive('ada', [ids[18] ?? '', ids[17] ?? ''])
    await expectText(page, rows, 18)
    assert.ok(await stays())
    await host.notifications.unarchive('ada', ids[18] ?? '')
    await expectText(page, rows, 19)
    assert.ok(await stays())
    await page.context().close()
  })

  it('leaves no panel behind that could not be fetched: it fetches it when there is something to say', async () => {
    await using host = await Host.start()
    const page = await openInbox(host)
    await page.route(/\/panel\.js/, (route) => route.abort())
    await bell(page).click()
    await page.getByText('That did not work').waitFor()
    await page.unroute(/\/panel\.js/)
    await host.tell('ada', 'First')
    await page.locator('.belfry-panel').getByRole('link', { name: 'First' }).waitFor()
    await page.context().close()
  })

  it('asks once for each change where something keeps what was answered, as a service worker may', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'Kept')
    const context = await browser.newContext()
    const page = await openTab(context, `${host.url}/sign-in/ada`)
    const kept = await page.evaluate(`fetch('/notifications?limit=10', { headers: { accept: 'application/json' } }).then((answer) => answer.json())`)
    let asked = 0
    await page.route('**/notifications?limit=10*', (route) => {
      asked++
      return route.fulfill({ json: kept })
    })
    await expectConnection(page, 'live')
    await bell(page).click()
    await page.locator('.belfry-panel').getByRole('link', { name: 'Kept' }).waitFor()
    await host.tell('ada', 'Late')
    await expectText(page, `document.querySelector('.belfry-badge').textContent`, '2')
    // Whoever asks without end has asked many times until the answers of twenty requests are there, one after the other.
    for (let n = 0; n < 20; n++) await page.evaluate(`fetch('/notifications/unread').then(() => true)`)
    assert.equal(asked, 2)
    await context.close()
  })

  it('asks every five seconds for an inbox that is kept so, and has the newest when it is to be had', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'Kept')
    const context = await browser.newContext()
    await openTab(context, `${host.url}/sign-in/ada`)
    const page = await openTab(context, `${host.url}/notifications`)
    await expectConnection(page, 'live')
    const kept = await page.evaluate(`fetch('/notifications?limit=26', { headers: { accept: 'application/json' } }).then((answer) => answer.json())`)
    const asked: number[] = []
    const answer = (route: Route) => {
      asked.push(performance.now())
      return route.fulfill({ json: kept })
    }
    await page.route('**/notifications?*limit=*', answer)
    await host.tell('ada', 'Late')
    await eventually(
      () => asked.length > 1,
      () => `asked ${asked.length} times`,
      10_000,
    )
    const [first = 0, second = 0] = asked
    assert.ok(second - first > 2000, 'not five times a second')
    await page.unroute('**/notifications?*limit=*', answer)
    await page.locator('[data-belfry-list]').getByRole('link', { name: 'Late' }).waitFor()
    await context.close()
  })
})
