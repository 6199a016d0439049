import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** A page of ada's, and the words of what it has asked the server to do. */
async function open(host: Host, path: string): Promise<{ page: Page; done: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } })
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, host.url + path)
  await expectConnection(page, 'live')
  const done: string[] = []
  page.on('request', (request) => request.method() === 'POST' && done.push(new URL(request.url()).pathname.split('/').at(-1) ?? ''))
  return { page, done }
}

const panelTitles = `[...document.querySelectorAll('.belfry-panel [data-slot=title]')].map((title) => title.textContent)`

describe('a double click', () => {
  it('on "Archive" in the panel archives one notification, which can be brought back', async () => {
    await using host = await Host.start()
    for (const title of ['One', 'Two', 'Three']) await host.tell('ada', title)
    const { page, done } = await open(host, '/')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    const panel = page.locator('.belfry-panel')
    await panel.getByRole('button', { name: 'Archive' }).first().dblclick()
    await expectBadge(page, '2')
    await panel.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, `document.querySelector('.belfry-panel li').dataset.state`, 'unread')
    await expectText(page, panelTitles, ['Three', 'Two', 'One'])
    await expectBadge(page, '3')
    await panel.locator('li', { hasText: 'Two' }).getByRole('button', { name: 'Mark as read' }).dblclick()
    await expectBadge(page, '2')
    assert.deepEqual(done, ['archive', 'unarchive', 'unread', 'read'])
    await page.context().close()
  })

  it('brings back in the panel what it archived as it was: read where it was read, unread where it was unread', async () => {
    await using host = await Host.start()
    const read = await host.tell('ada', 'Read before')
    await host.notifications.markAsRead('ada', read.id)
    await host.tell('ada', 'Unread')
    const { page, done } = await open(host, '/')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    const row = (title: string) => page.locator('.belfry-panel li', { hasText: title })
    for (const title of ['Read before', 'Unread', 'Unread']) {
      await row(title).getByRole('button', { name: 'Archive' }).click()
      await row(title).getByRole('button', { name: 'Undo' }).click()
    }
    await expectText(page, `[...document.querySelectorAll('.belfry-panel li')].map((row) => row.dataset.state)`, ['unread', 'read'])
    await eventually(
      async () => (await host.notifications.list('ada')).items.map(({ state }) => state).join() === 'unread,read' && done.length === 8,
      () => `the server was told ${done}`,
    )
    assert.deepEqual(done, ['archive', 'unarchive', ...Array(2).fill(['archive', 'unarchive', 'unread']).flat()])
    await page.context().close()
  })

  it('brings back in the panel what could not be brought back at first', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const { page } = await open(host, '/')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    const panel = page.locator('.belfry-panel')
    const state = `document.querySelector('.belfry-panel li').dataset.state`
    await panel.getByRole('button', { name: 'Archive' }).click()
    await page.route('**/unarchive?*', (route) => route.fulfill({ status: 503 }), { times: 1 })
    await panel.getByRole('button', { name: 'Undo' }).click()
    await panel.getByText('That did not work').waitFor()
    await expectText(page, state, 'archived')
    await panel.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, state, 'unread')
    await expectBadge(page, '1')
    await page.context().close()
  })

  it('in the panel on what shows the new ones opens none of them', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const { page } = await open(host, '/')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await page.locator('.belfry-panel').getByRole('link', { name: 'One' }).focus()
    await host.tell('ada', 'Two')
    await page.getByRole('button', { name: '1 new', exact: true }).dblclick()
    await expectText(page, panelTitles, ['Two', 'One'])
    await expectText(page, 'location.pathname', '/')
    await expectBadge(page, '2')
    await page.context().close()
  })

  it('on a button of a row in the inbox does what the first click does, and nothing else', async () => {
    await using host = await Host.start()
    for (const title of ['One', 'Two', 'Three']) await host.tell('ada', title)
    const { page, done } = await open(host, '/notifications')
    const row = (title: string) => page.locator('li[data-notification-id]', { hasText: title })
    await row('Three').hover()
    await row('Three').getByRole('button', { name: 'Mark as read' }).dblclick()
    await expectBadge(page, '2')
    await row('Three').getByRole('button', { name: 'Mark as unread' }).click()
    await expectBadge(page, '3')
    await row('Two').hover()
    await row('Two').getByRole('button', { name: 'Archive' }).dblclick()
    await expectBadge(page, '2')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, `[...document.querySelectorAll('[data-notification-id]')].map((row) => row.dataset.state)`, ['unread', 'unread', 'unread'])
    await expectBadge(page, '3')
    assert.deepEqual(done, ['read', 'unread', 'archive', 'unarchive', 'unread'])
    await page.context().close()
  })

  it('on "Archive" in a narrow window does not open the next notification, which comes below the finger', async () => {
    await using host = await Host.start()
    for (const title of ['One', 'Two']) await host.tell('ada', title)
    const { page, done } = await open(host, '/notifications')
    await page.setViewportSize({ width: 375, height: 700 })
    await page.getByRole('button', { name: 'Archive' }).first().dblclick()
    await page.getByRole('button', { name: 'Undo' }).waitFor()
    await expectBadge(page, '1')
    assert.deepEqual([new URL(page.url()).pathname, done], ['/notifications', ['archive']])
    await page.context().close()
  })
})
