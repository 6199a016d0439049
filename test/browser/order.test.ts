import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Ada's inbox, with as many notifications as that. */
async function openInbox(host: Host, count: number, at = ''): Promise<Page> {
  for (let n = 1; n <= count; n++) await host.tell('ada', `Number ${n}`)
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } })
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, `${host.url}/notifications${at}`)
  await expectConnection(page, 'live')
  return page
}

/** What stands in the list, from the top: titles of rows, and what was put away. */
const entries = `[...document.querySelectorAll('[data-belfry-list] > :is([data-notification-id], .belfry-undo)')]
  .map((entry) => entry.querySelector('[data-slot=title]')?.textContent ?? entry.querySelector('span').textContent)`
const numbers = (from: number, to: number, say = (title: string) => title) =>
  Array.from({ length: from - to + 1 }, (_, n) => say(`Number ${from - n}`))
const archived = (title: string) => `Archived: ${title}`

async function archiveAll(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Select', exact: true }).click()
  await page.getByRole('checkbox').first().waitFor()
  for (const box of await page.getByRole('checkbox').all()) await box.check()
  await page.getByRole('group').getByRole('button', { name: 'Archive' }).click()
  await page.getByRole('button', { name: 'Done' }).click()
}

describe('the order of the inbox', () => {
  for (const at of ['', '?filter=unread']) {
    it(`stays newest first when a whole page was archived, and only what arrives is new (${at || 'all'})`, async () => {
      await using host = await Host.start()
      const page = await openInbox(host, 30, at)
      await archiveAll(page)
      await expectBadge(page, '5')
      await expectText(page, entries, numbers(30, 6, archived))
      await page.evaluate('scrollTo(0, 900)')
      await host.tell('ada', 'Number 31')
      await page.getByRole('button', { name: '1 new', exact: true }).click()
      await expectText(page, entries, ['Number 31', ...numbers(30, 6, archived)])
      await page.getByRole('button', { name: 'Undo' }).first().click()
      await expectText(page, entries, ['Number 31', 'Number 30', ...numbers(29, 6, archived)])
      await page.getByRole('link', { name: 'Load older' }).click()
      await page.getByRole('link', { name: 'Newest' }).waitFor()
      await expectText(page, entries, numbers(5, 1))
      await page.context().close()
    })
  }

  it('stays newest first when one after the other is archived, and what arrives then is on top', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, 28)
    await page.keyboard.press('j')
    for (let n = 0; n < 25; n++) {
      await page.keyboard.press('e')
      await page.keyboard.press('j')
    }
    await expectBadge(page, '3')
    await page.evaluate('scrollTo(0, 0)')
    await host.tell('ada', 'Number 29')
    await expectText(page, entries, ['Number 29', ...numbers(28, 4, archived)])
    assert.equal(await page.locator('.belfry-pill').isVisible(), false)
    await page.context().close()
  })

  it('is kept by what comes back elsewhere, which takes the place of its line', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, 4)
    const ids = (await host.notifications.list('ada', {})).items.map(({ id }) => id)
    await archiveAll(page)
    await expectText(page, entries, numbers(4, 1, archived))
    await expectBadge(page, '')
    await host.notifications.unarchive('ada', ids[1] ?? '')
    await expectText(page, entries, ['Archived: Number 4', 'Number 3', 'Archived: Number 2', 'Archived: Number 1'])
    await page.context().close()
  })

  it('goes on with what follows where a page was emptied elsewhere, and repeats nothing on the next', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, 55)
    const { items } = await host.notifications.list('ada', { limit: 25 })
    for (const { id } of items) await host.notifications.archive('ada', id)
    await expectText(page, entries, numbers(30, 6))
    await page.getByRole('link', { name: 'Load older' }).click()
    await page.getByRole('link', { name: 'Newest' }).waitFor()
    await expectText(page, entries, numbers(5, 1))
    await page.context().close()
  })
})
