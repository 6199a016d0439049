import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expectText, launchBrowser } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const ZONE = 'Asia/Tokyo'
const DAY = 86_400_000

function inTokyo(at: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en', { ...options, timeZone: ZONE }).format(new Date(at))
}

/** A page of ada's, who reads it in Tokyo, three days later. */
async function readLater(host: Host, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ timezoneId: ZONE, ...options })
  await context.clock.install({ time: Date.now() + 3 * DAY })
  const page = await context.newPage()
  await page.goto(`${host.url}/sign-in/ada`)
  await page.goto(`${host.url}${path}`)
  return page
}

const textsOf = (selector: string) => `[...document.querySelectorAll('${selector}')].map(({ textContent }) => textContent)`

describe('times, to somebody far from the server', () => {
  it("are their own in a short list on a page of the host's, below days of their own", async () => {
    await using host = await Host.start()
    const { createdAt } = await host.tell('ada', 'Hello')
    const page = await readLater(host, '/latest')
    await expectText(page, textsOf('.belfry-item time'), [inTokyo(createdAt, { hour: '2-digit', minute: '2-digit' })])
    await expectText(page, textsOf('.belfry-day time'), [inTokyo(createdAt, { dateStyle: 'long' })])
    assert.equal(await page.locator('main [lang] time, time[lang]').count(), 0, 'in the language of the page')
    await host.tell('ada', 'Now')
    await page.clock.setSystemTime(Date.now() + 60_000)
    await page.reload()
    await expectText(page, textsOf('.belfry-item time'), ['1 min. ago', '1 min. ago'])
    await page.clock.fastForward(60_000)
    await expectText(page, textsOf('.belfry-item time'), ['2 min. ago', '2 min. ago'])
    await page.context().close()
  })

  it('are their own in a short list on a page that came in the place of another without being loaded', async () => {
    await using host = await Host.start()
    const { createdAt } = await host.tell('ada', 'Hello')
    const page = await readLater(host, '/latest')
    const time = [inTokyo(createdAt, { hour: '2-digit', minute: '2-digit' })]
    await expectText(page, textsOf('.belfry-item time'), time)
    await page.evaluate(`{
      const fetched = (path, selector) => new Promise((resolve) => {
        const request = new XMLHttpRequest()
        request.responseType = 'document'
        request.onload = () => resolve(document.adoptNode(request.response.querySelector(selector)))
        request.open('GET', path)
        request.send()
      })
      Promise.all([fetched('/', 'header'), fetched('/latest', 'main')]).then((parts) => document.body.replaceChildren(...parts))
    }`)
    await page.locator('notification-bell[connection=live]').waitFor()
    await expectText(page, textsOf('.belfry-item time'), time)
    await page.context().close()
  })

  it('are their own at once in a short list that is swapped or morphed by itself, also where there was nothing before', async () => {
    await using host = await Host.start()
    const page = await readLater(host, '/latest')
    const { createdAt } = await host.tell('ada', 'Hello')
    const time = [inTokyo(createdAt, { hour: '2-digit', minute: '2-digit' })]
    const day = [inTokyo(createdAt, { dateStyle: 'long' })]
    for (const swap of [
      'main.replaceWith(next)',
      'main.replaceChildren(...next.childNodes)',
      `main.querySelector('.belfry-list').replaceWith(next.querySelector('.belfry-list'))`,
    ]) {
      await page.evaluate(`new Promise((resolve) => {
        const main = document.querySelector('main')
        const request = new XMLHttpRequest()
        request.responseType = 'document'
        request.onload = () => {
          const next = document.adoptNode(request.response.querySelector('main'))
          ${swap}
          resolve()
        }
        request.open('GET', '/latest')
        request.send()
      })`)
      await expectText(page, textsOf('.belfry-item time'), time)
      await expectText(page, textsOf('.belfry-day time'), day)
    }
    await page.evaluate(`{
      const time = document.querySelector('.belfry-item time')
      time.lang = 'en'
      time.firstChild.data = '08:31 UTC'
    }`)
    await expectText(page, textsOf('.belfry-item time'), time)
    await page.context().close()
  })

  it('are exact on the page of a notification', async () => {
    await using host = await Host.start()
    const expiresAt = new Date(Date.now() + 10 * DAY).toISOString()
    const { id, createdAt } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello', expiresAt })
    const page = await readLater(host, `/notifications/${id}`)
    const exact = { dateStyle: 'long', timeStyle: 'short' } as const
    await expectText(page, textsOf('[data-belfry-item] time'), [inTokyo(createdAt, exact), inTokyo(expiresAt, exact)])
    await page.context().close()
  })

  it('are those of the server without scripts, and say so', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'Hello')
    for (const path of ['/latest', `/notifications/${id}`]) {
      const page = await readLater(host, path, { javaScriptEnabled: false })
      assert.match((await page.locator('.belfry-meta time').first().textContent()) ?? '', /UTC$/)
      await page.context().close()
    }
  })
})
