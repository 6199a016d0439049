import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const SECRET = 'The door is 4711'

async function tell(host: Host, title = 'The code of the door'): Promise<string> {
  const { id } = await host.notifications.notify({ to: { user: 'ada' }, title, body: SECRET, url: '/elsewhere' })
  return id
}

/** The page of one notification of ada's. */
async function open(url: string, id: string): Promise<Page> {
  const context = await browser.newContext()
  await context.request.get(`${url}/sign-in/ada`)
  return openTab(context, `${url}/notifications/${id}`)
}

const text = `document.querySelector('.belfry-page').innerText`
const heading = `document.querySelector('h1').textContent`
const GONE = 'No longer there: The code of the door'

describe('the page of a notification that is taken back', () => {
  it('says so, out loud too, and shows no more of it', async () => {
    await using host = await Host.start()
    const id = await tell(host)
    const page = await open(host.url, id)
    await expectConnection(page, 'live')
    await page.getByRole('link', { name: 'Open the page' }).focus()
    await host.notifications.recall(id)
    await expectText(page, heading, GONE)
    assert.ok(!String(await page.evaluate(text)).includes(SECRET))
    assert.deepEqual(await page.getByRole('button').allInnerTexts(), [''], 'only the bell')
    await expectText(page, `document.querySelector('[role=status]').textContent`, GONE)
    await expectText(page, 'document.activeElement.localName', 'h1')
    await page.getByRole('link', { name: 'Notifications', exact: true }).waitFor()
    const { violations } = await new AxeBuilder({ page }).analyze()
    assert.deepEqual(violations, [])
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('stays as it is, and as read or unread as it was, where something else changes', async () => {
    await using host = await Host.start()
    const id = await tell(host)
    const page = await open(host.url, id)
    await expectConnection(page, 'live')
    await host.notifications.markAsUnread('ada', id)
    const other = await tell(host, 'Another')
    const asked = page.waitForResponse((answer) => answer.request().method() === 'HEAD')
    await host.notifications.recall(other)
    assert.equal((await asked).status(), 200)
    await expectText(page, heading, 'The code of the door')
    assert.equal((await host.notifications.get('ada', id)).state, 'unread')
    await page.context().close()
  })

  it('says so, too, where that could not be asked at first, and in a layout without a bell', async () => {
    const layout = ({ title, head, body }: PageParts) =>
      `<!doctype html><html lang="pl"><head><title>${title}</title>${head}</head><body><main>${body}</main></body></html>`
    await using host = await Host.start({ layout })
    await using proxy = await FaultyProxy.before(host.url)
    const id = await tell(host)
    const page = await open(proxy.url, id)
    await expectConnection(page, 'live')
    proxy.requests = 'cut'
    const failed = page.waitForEvent('requestfailed')
    await host.notifications.recall(id)
    await failed
    assert.ok(String(await page.evaluate(text)).includes(SECRET))
    proxy.requests = 'pass'
    await expectText(page, `${heading}.startsWith('Już')`, true)
    await expectText(page, `document.querySelectorAll('[role=status]').length`, 1)
    await page.context().close()
  })
})
