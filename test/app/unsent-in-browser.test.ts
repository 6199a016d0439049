import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn, shownBy } from '../helpers/browser.js'

const MESSAGE = '/messages/new'
const COMPOSE = '/admin/notifications/new'
const KEPT = `sessionStorage.getItem('belfry-typed')`

describe('what was typed when the session had ended', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  /** A tab on a form, in which ada was signed in. */
  async function openForm(app: TestApp, path: string, context?: BrowserContext): Promise<Page> {
    if ((await app.context.users.byName('ada')) === undefined) await app.addUser('ada', 'admin')
    const page = await openTabSignedIn(context ?? (await browser.newContext()), app.url, 'ada', PASSWORD)
    await page.goto(app.url + path)
    return page
  }

  it('stands in the form to somebody after signing in, also when the password was wrong once, and is sent', async () => {
    await using app = await startTestApp()
    const page = await openForm(app, `${MESSAGE}?to=admin`)
    await page.fill('[name=title]', 'Lunch?')
    await page.fill('[name=body]', 'At one.\nOr two.')
    await sendAfterTheEnd(page)
    await signIn(page, 'ada', 'not the password')
    await signIn(page, 'ada')
    assert.match((await page.textContent('#unsent')) ?? '', /nothing was sent\. What you typed is below again/)
    assert.equal(await page.evaluate('document.activeElement.id'), 'unsent')
    assert.deepEqual(await typed(page, 'to', 'title', 'body'), ['admin', 'Lunch?', 'At one.\nOr two.'])
    assert.equal(await page.textContent('#count-title'), '6 of 200 characters')
    await page.fill('[name=title]', 'Dinner?')
    await page.goto(`${app.url}/account`)
    await page.goBack()
    assert.deepEqual(await typed(page, 'title', 'body'), ['Dinner?', 'At one.\nOr two.'])
    await page.click('main button')
    await page.waitForSelector('#sent')
    assert.equal(await page.evaluate(KEPT), null)
    assert.deepEqual((await (await app.signIn('admin')).inbox()).length, 1)
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('stands in the form to many, with everything that was chosen, and is kept no longer than until it is sent', async () => {
    await using app = await startTestApp()
    const page = await openForm(app, COMPOSE)
    await page.check('[value=role]')
    await page.selectOption('[name=role]', 'admin')
    await page.fill('[name=title]', 'Tonight')
    await page.selectOption('[name=level]', 'warning')
    await page.check('[name=planned]')
    await page.fill('[name=publishAt]', '2040-01-31T09:00')
    await page.fill('[name=timeZone]', 'Asia/Tokyo')
    await sendAfterTheEnd(page)
    await signIn(page, 'ada')
    assert.deepEqual(await typed(page, 'role', 'title', 'level', 'publishAt', 'timeZone'), [
      'admin',
      'Tonight',
      'warning',
      '2040-01-31T09:00',
      'Asia/Tokyo',
    ])
    assert.ok(await page.isChecked('[value=role]'))
    assert.equal(await page.isChecked('[name=expires]'), false)
    assert.equal(await page.textContent('[data-send]'), 'Send to 2 people')
    await page.click('[data-send]')
    await page.waitForURL(/\/admin\/notifications\/(?!new)/)
    assert.equal(await page.evaluate(KEPT), null)
    await page.context().close()
  })

  it('is shown to nobody else, and forgotten', async () => {
    await using app = await startTestApp()
    await app.addUser('bob')
    for (const path of [MESSAGE, COMPOSE]) {
      const page = await openForm(app, path)
      await page.fill('[name=title]', 'Of ada alone')
      await sendAfterTheEnd(page)
      assert.match((await page.evaluate<string>(KEPT)) ?? '', /Of ada alone/)
      await signIn(page, 'bob')
      assert.equal(await page.getByText('Of ada alone').count(), 0)
      if (path === MESSAGE) assert.deepEqual(await typed(page, 'title'), [''])
      assert.equal(await page.evaluate(KEPT), null)
      await page.context().close()
    }
  })

  it('is forgotten where one leaves the sign-in for another one', async () => {
    await using app = await startTestApp()
    const page = await openForm(app, MESSAGE)
    await page.fill('[name=title]', 'Left')
    await sendAfterTheEnd(page)
    await page.goto(`${app.url}/login`)
    assert.equal(await page.evaluate(KEPT), null)
    await page.context().close()
  })

  it('is found on the way back without scripts, as the page says', async () => {
    await using app = await startTestApp()
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await openForm(app, MESSAGE, context)
    await page.fill('[name=to]', 'admin')
    await page.fill('[name=title]', 'Lunch?')
    await page.fill('[name=body]', 'At one.')
    await sendAfterTheEnd(page)
    assert.match((await page.textContent('#unsent')) ?? '', /go back in your browser then, past this page, to where you first opened the form/)
    await signIn(page, 'ada')
    assert.match(
      (await page.textContent('#unsent')) ?? '',
      /go back in your browser, past the sign-in, to where you first opened the form, and send it from there/,
    )
    await page.goBack()
    await page.goBack()
    assert.deepEqual(await typed(page, 'to', 'title', 'body'), ['admin', 'Lunch?', 'At one.'])
    await page.click('main button')
    assert.match((await page.textContent('#sent')) ?? '', /Your message to admin/)
    await context.close()
  })
})

async function sendAfterTheEnd(page: Page): Promise<void> {
  await page.context().clearCookies()
  await page.click('main button[type=submit]')
  await page.waitForURL('**/login?**')
}

async function signIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', password)
  await Promise.all([page.waitForEvent('load'), page.press('[name=password]', 'Enter')])
}

function typed(page: Page, ...names: readonly string[]): Promise<readonly string[]> {
  return Promise.all(names.map((name) => page.inputValue(`[name=${name}]`)))
}
