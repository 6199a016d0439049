import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectConnection, launchBrowser } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const layout = ({ title, head, body, res }: PageParts) =>
  `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>${title}</title>${head}</head><body>${res.locals.notifications.bell()}<main>${body}</main></body></html>`

/** What stylesheets without classes say of bare elements, and more of it. */
const BARE = `
  header, nav, article, section, aside, footer { display: grid; position: sticky; margin: 3rem; padding: 3rem; border: 5px solid; background: red }
  h1, h2, h3, p { margin: 3rem 0; padding: 1rem; line-height: 3 }
  ol, li, form { margin: 2rem }
  button { width: 100%; min-height: 5rem; margin: 0 0 3rem; padding: 3rem; border: 9px solid; font-size: 3rem }
  dialog { display: flex; width: 100%; min-width: 100%; height: 100%; min-height: 100%; padding: 5rem }
`

/** Where each visible part of the plugin is, before the stylesheet of the host and with it. */
async function places(page: Page): Promise<[before: unknown, after: unknown]> {
  const look = `[...document.querySelectorAll('.belfry-page, .belfry-page *, .belfry-bell, .belfry-panel, .belfry-panel *')]
    .filter((part) => part.checkVisibility())
    .map((part) => [part, part.getBoundingClientRect()])
    .map(([part, { x, y, width, height }]) => [part.localName + '.' + part.className, ...[x, y, width, height].map(Math.round)].join(' '))`
  const before = await page.evaluate(look)
  await page.evaluate(`{
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(${JSON.stringify(BARE)})
    document.adoptedStyleSheets = [sheet]
  }`)
  const after = await page.evaluate(look)
  await page.evaluate('document.adoptedStyleSheets = []')
  return [before, after]
}

describe('a stylesheet for bare elements', () => {
  for (const width of [1000, 375]) {
    it(`changes nothing of the plugin's parts in a window of ${width} px`, async () => {
      await using host = await Host.start({ layout })
      for (const title of ['One', 'Two']) {
        await host.notifications.notify({ to: { user: 'ada' }, title, body: 'Some text', level: 'warning', category: 'builds', url: '/' })
      }
      const { items } = await host.notifications.list('ada')
      const context = await browser.newContext({ viewport: { width, height: 700 }, reducedMotion: 'reduce' })
      await context.request.get(`${host.url}/sign-in/ada`)
      const page = await context.newPage()
      const expectSame = async (where: string) => {
        const [before, after] = await places(page)
        assert.deepEqual(after, before, where)
      }
      await page.goto(`${host.url}/notifications`)
      await expectConnection(page, 'live')
      await page.getByRole('button', { name: 'Select', exact: true }).click()
      await page.getByText('0 selected').waitFor()
      await expectSame('inbox')
      await page.getByRole('button', { name: 'Keyboard' }).click()
      await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
      await expectSame('keys')
      await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
      await page.locator('.belfry-bell').click()
      await page.locator('.belfry-panel [data-id]').nth(1).waitFor()
      await expectSame('panel')
      for (const path of [items[0]?.id, 'preferences', 'missing']) {
        await page.goto(`${host.url}/notifications/${path}`)
        await expectConnection(page, 'live')
        await expectSame(`${path}`)
      }
      await context.close()
    })
  }

  it('finds the places of the inbox by their roles all the same', async () => {
    await using host = await Host.start({ layout })
    for (let n = 0; n < 26; n++) await host.tell('ada', `No. ${n}`)
    const context = await browser.newContext()
    await context.request.get(`${host.url}/sign-in/ada`)
    const page = await context.newPage()
    await page.goto(`${host.url}/notifications`)
    for (const name of ['Filter', 'Pages']) await page.getByRole('navigation', { name }).waitFor()
    await page.goto(`${host.url}/notifications/${(await host.notifications.list('ada')).items[0]?.id}`)
    await page.getByRole('article').waitFor()
    await context.close()
  })
})
