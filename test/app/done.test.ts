import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn } from '../helpers/browser.js'

describe('what an admin has done', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  /** An admin's tab, in a low window: what stands low on a page is out of sight. */
  async function signedIn(app: TestApp, javaScriptEnabled: boolean): Promise<Page> {
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 375, height: 400 } })
    return openTabSignedIn(context, app.url, 'admin', PASSWORD)
  }

  for (const javaScriptEnabled of [true, false]) {
    it(`to people is said in sight and with the focus, above their open row (scripts: ${javaScriptEnabled})`, async () => {
      await using app = await startTestApp()
      const page = await signedIn(app, javaScriptEnabled)
      await page.goto(`${app.url}/admin/users`)
      await page.fill('[name=username]', 'bob')
      await page.locator('[name=password]').last().fill(PASSWORD)
      await page.click('.card button')
      await expectDone(page, 'bob is added as a member.')
      await page.locator('li[data-user-id] select').selectOption('admin')
      await page.click('text=Change role')
      await expectDone(page, 'bob is an admin now.')
      await page.locator('li[data-user-id] [type=password]').fill('another password')
      await page.click('text=Set password')
      await expectDone(page, `bob has a new password, and all of bob's sessions have ended.`)
      await page.click('li button:text("Disable")')
      await expectDone(page, 'bob is disabled, and signed out everywhere.')
      if (javaScriptEnabled) assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations, [])
      const disabled = page.url()
      await page.click('li button:text("Enable")')
      await expectDone(page, 'bob is enabled, and can sign in again.')
      assert.equal(await page.locator('li details[open]').count(), 1)
      await page.goto(disabled)
      assert.equal(await page.locator('#done').count(), 0)
      await page.context().close()
    })

    it(`to a token or a notification is said in the same way (scripts: ${javaScriptEnabled})`, async () => {
      await using app = await startTestApp()
      const page = await signedIn(app, javaScriptEnabled)
      await page.goto(`${app.url}/admin/tokens`)
      await page.fill('[name=name]', 'nightly <b>')
      await page.click('.card button')
      await page.click('td button')
      await expectDone(page, 'The token ‘nightly <b>’ is revoked: nothing is sent with it any more.')
      for (const [publishAt, button, words] of [
        [null, 'Take it back from every inbox', 'It is taken back from every inbox.'],
        ['2040-01-31T09:00:00Z', 'Call it off', 'It is called off, and will be in no inbox.'],
      ] as const) {
        const { id } = await app.notifications.notify({ to: 'everyone', title: 'Oops', publishAt })
        await page.goto(`${app.url}/admin/notifications/${id}?recalled=1`)
        assert.equal(await page.locator('#done').count(), 0)
        await page.click(`text=${button}`)
        await expectDone(page, words)
      }
      await page.context().close()
    })

    it(`to one's own password is said in the same way (scripts: ${javaScriptEnabled})`, async () => {
      await using app = await startTestApp()
      const page = await signedIn(app, javaScriptEnabled)
      await page.goto(`${app.url}/account`)
      await page.fill('[name=current]', PASSWORD)
      await page.fill('[name=password]', 'another password')
      await page.click('main button')
      await expectDone(page, 'Your password is changed. Every other device was signed out.')
      await page.context().close()
    })
  }

  it('is not said by an address that knows of nothing done, nor of nobody', async () => {
    await using app = await startTestApp()
    const admin = await app.signIn('admin')
    for (const path of ['/admin/users?done=toString&search=admin', '/admin/users?done=role&search=nobody', '/admin/tokens?revoked=7'])
      assert.doesNotMatch(await (await admin.get(path)).text(), /id="done"/, path)
  })
})

/** Waits for the sentence: in sight, and with the focus, so that it is read out. */
async function expectDone(page: Page, words: string): Promise<void> {
  const done = page.locator('#done', { hasText: words })
  await done.waitFor()
  assert.equal(await done.textContent(), words)
  assert.equal(await page.evaluate('document.activeElement.id'), 'done')
  const box = await done.boundingBox()
  assert.ok(box !== null && box.y >= 0 && box.y + box.height <= 400, JSON.stringify(box))
}
