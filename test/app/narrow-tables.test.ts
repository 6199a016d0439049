import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { PASSWORD, startTestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn } from '../helpers/browser.js'

/** The words of buttons and pills that stand on more than one line, and tables that are wider than their room. */
const BROKEN = `[...document.querySelectorAll('td :is(button, .badge-word)')].filter((element) => {
  const range = document.createRange()
  range.selectNodeContents(element.firstChild)
  return range.getClientRects().length > 1
}).map((element) => element.textContent)`
const WIDTHS = `[document.documentElement, ...document.querySelectorAll('.table-wrap')].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ className }) => className)`

describe('the tables of the administration', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  it('break names of any length and no button or pill, and stay as wide as the window from a phone to a desk', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('long'.repeat(16), 'admin')
    const names = ['nightly backup', 'x'.repeat(60), `ci of the ${'very-'.repeat(9)}long project`]
    for (const name of names) {
      const { body } = await admin.postJson<{ id: number; token: string }>('/admin/tokens', { name })
      const used = { method: 'POST', headers: { authorization: `Bearer ${body.token}`, 'content-type': 'application/json' } }
      await fetch(`${app.url}/api/notifications`, { ...used, body: JSON.stringify({ to: 'everyone', title: name }) })
    }
    await admin.post('/admin/tokens/1/revoke')
    const page = await openTabSignedIn(await browser.newContext(), app.url, 'admin', PASSWORD)
    for (const path of ['/admin/tokens', '/admin/notifications'])
      for (const width of [320, 375, 704, 720, 768, 900, 1024, 1100, 1440]) {
        await page.setViewportSize({ width, height: 700 })
        await page.goto(app.url + path)
        assert.deepEqual([await page.evaluate(BROKEN), await page.evaluate(WIDTHS)], [[], []], `${path} at ${width}`)
      }
    await page.context().close()
  })
})
