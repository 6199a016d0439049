import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { words } from '../../src/app/words.js'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn, shownBy } from '../helpers/browser.js'

const COMPOSE = '/admin/notifications/new'

describe('the pages of the administration, in a browser', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  /** The admin's browser, signed in. */
  async function signedIn(app: TestApp, options: BrowserContextOptions = {}): Promise<Page> {
    return openTabSignedIn(await browser.newContext(options), app.url, 'admin', PASSWORD)
  }

  it('send to everyone with JavaScript off, from the form to the report', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    const page = await signedIn(app, { javaScriptEnabled: false })
    await page.goto(`${app.url}/admin/notifications`)
    await page.click('text=New notification')
    await page.check('[name=audience][value=everyone]')
    await page.fill('[name=title]', 'Maintenance tonight')
    await page.click('.form-actions button')
    assert.match(page.url(), /\/admin\/notifications\/[\w-]+$/)
    assert.equal(await page.textContent('h1'), 'Maintenance tonight')
    await page.click('text=Take it back from every inbox')
    assert.equal(await page.textContent('.badge-word'), 'recalled')
    await page.context().close()
  })

  it('say on the button how many people are reached while one chooses', async () => {
    await using app = await startTestApp()
    await app.addUser('ada')
    const page = await signedIn(app)
    await page.goto(app.url + COMPOSE)
    const button = () => page.textContent('[data-send]')
    assert.equal(await button(), 'Send')
    await page.check('[value=everyone]')
    assert.equal(await button(), 'Send to 2 people')
    await page.check('[value=role]')
    assert.equal(await button(), 'Send to 1 person')
    await page.check('[value=users]')
    await page.fill('[name=recipients]', 'ada, ADA\nadmin')
    assert.equal(await button(), 'Send to 2 people')
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('show only what belongs to the audience that is chosen', async () => {
    await using app = await startTestApp()
    const page = await signedIn(app, { javaScriptEnabled: false })
    await page.goto(app.url + COMPOSE)
    const seen = async () => [await page.isVisible('[name=recipients]'), await page.isVisible('[name=role]')]
    assert.deepEqual(await seen(), [true, false])
    await page.check('[value=role]')
    assert.deepEqual(await seen(), [false, true])
    await page.check('[value=everyone]')
    assert.deepEqual(await seen(), [false, false])
    await page.context().close()
  })

  for (const javaScriptEnabled of [true, false])
    it(`ask for one username where one person is meant, and for several only then (scripts: ${javaScriptEnabled})`, async () => {
      await using app = await startTestApp()
      const page = await signedIn(app, { javaScriptEnabled })
      await page.goto(app.url + COMPOSE)
      const asked = async () => {
        const names = await Promise.all(['Username', 'Usernames'].map((name) => page.getByRole('textbox', { name, exact: true }).count()))
        return [...names, await descriptionOf(page, '[name=recipients]'), await page.isVisible('#hint-recipients :text("Several")')]
      }
      assert.deepEqual(await asked(), [1, 0, '', false])
      await page.check('[value=users]')
      assert.deepEqual(await asked(), [0, 1, 'Several are separated by commas, spaces or lines.', true])
      await page.context().close()
    })

  it('lead from an error to the choices where another choice has put the field out of sight', async () => {
    await using app = await startTestApp()
    const page = await signedIn(app)
    await page.goto(app.url + COMPOSE)
    await page.fill('[name=recipients]', 'nobody')
    await page.fill('[name=title]', 'Hi')
    await page.check('[name=planned]')
    await page.fill('[name=publishAt]', '2020-01-31T09:00')
    await page.click('[data-send]')
    const lead = async (words: string) => {
      await page.click(`.error-summary a:has-text("${words}")`)
      return page.evaluate('document.activeElement.id')
    }
    assert.deepEqual([await lead('nobody called'), await lead('has passed')], ['field-recipients', 'field-publishAt'])
    await page.check('[value=everyone]')
    await page.uncheck('[name=planned]')
    assert.deepEqual([await lead('nobody called'), await lead('has passed')], ['field-audience', 'field-times'])
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('count characters as the server does', async () => {
    await using app = await startTestApp()
    const page = await signedIn(app)
    await page.goto(app.url + COMPOSE)
    await page.fill('[name=title]', ` ${'🔔'.repeat(200)} `)
    assert.equal(await page.textContent('#count-title'), '200 of 200 characters')
    assert.equal(await page.getAttribute('#count-title', 'data-over'), null)
    await page.fill('[name=title]', 'x'.repeat(201))
    assert.equal(await page.getAttribute('#count-title', 'data-over'), '')
    await page.fill('[name=title]', '')
    assert.equal(await page.textContent('#count-title'), 'At most 200 characters.')
    await page.context().close()
  })

  it("tell times on the reader's clock, and on the server's in the title and without scripts", async () => {
    await using app = await startTestApp()
    const at = '2040-01-01T00:00:00Z'
    const { id } = await app.notifications.notify({ to: 'everyone', title: 'Later', publishAt: at })
    const pages = [`/admin/notifications/${id}`, '/admin/notifications']
    const [tokyo, plain] = [
      await signedIn(app, { timezoneId: 'Asia/Tokyo' }),
      await signedIn(app, { timezoneId: 'Asia/Tokyo', javaScriptEnabled: false }),
    ]
    for (const path of pages) {
      for (const page of [tokyo, plain]) await page.goto(app.url + path)
      const [here, there] = [tokyo, plain].map((page) => page.locator(`time[datetime="${at.replace('Z', '.000Z')}"]`)) as [Locator, Locator]
      assert.deepEqual([await here.textContent(), await here.getAttribute('title')], ['1 Jan 2040, 09:00 GMT+9', await there.textContent()])
      assert.equal(await there.textContent(), words.clock(new Date(at)))
    }
    await Promise.all([tokyo.context().close(), plain.context().close()])
  })

  it("read times in the browser's own zone, unless another is chosen, and keep what was chosen", async () => {
    await using app = await startTestApp()
    const page = await signedIn(app, { timezoneId: 'Asia/Tokyo' })
    await page.goto(app.url + COMPOSE)
    assert.equal(await page.inputValue('[name=timeZone]'), 'Asia/Tokyo')
    await page.check('[value=everyone]')
    await page.check('[name=planned]')
    await page.fill('[name=publishAt]', '2040-01-01T09:00')
    await page.click('[data-send]')
    await page.waitForSelector('.error-summary')
    assert.equal(await page.inputValue('[name=timeZone]'), 'Asia/Tokyo')
    await page.fill('[name=title]', 'Later')
    await page.click('[data-send]')
    await page.waitForURL(/notifications\/[\w-]{10,}$/)
    assert.equal(await page.getAttribute('dt:text("Appears") + dd time', 'datetime'), '2040-01-01T00:00:00.000Z')
    await page.context().close()
  })

  for (const javaScriptEnabled of [true, false]) {
    it(`keep a form back while a time is typed by half, and say what is missing (JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
      await using app = await startTestApp()
      const page = await signedIn(app, { javaScriptEnabled, viewport: { width: 375, height: 800 } })
      for (const [box, time] of [
        ['planned', 'publishAt'],
        ['expires', 'expiresAt'],
      ] as const) {
        const before = (await app.notifications.sent()).entries.length
        await page.goto(app.url + COMPOSE)
        await page.check('[value=everyone]')
        await page.fill('[name=title]', 'Half a time')
        assert.equal(await page.isVisible(`[name=${time}]`), false)
        await page.check(`[name=${box}]`)
        await page.focus(`[name=${time}]`)
        await page.keyboard.type('01312040')
        await page.click('[data-send]')
        assert.equal(await page.locator(`[name=${time}]:user-invalid:focus`).count(), 1)
        assert.equal(await page.textContent(':user-invalid + .field-hint'), 'Fill in the whole date and the time.')
        assert.equal((await app.notifications.sent()).entries.length, before)
        // Out of sight it would keep the form back, and nobody would see why.
        await page.uncheck(`[name=${box}]`)
        assert.equal(await page.isVisible(`[name=${time}]`), !javaScriptEnabled)
        await page.check(`[name=${box}]`)
        await page.fill(`[name=${time}]`, '2040-01-31T09:00')
        await page.click('[data-send]')
        await page.waitForURL(/notifications\/[\w-]{10,}$/)
        assert.match((await app.notifications.sent()).entries[0]?.notification[time] ?? '', /^2040-01-31T/)
      }
      await page.context().close()
    })
  }

  it('forget a time once it is not wanted after all', async () => {
    await using app = await startTestApp()
    const page = await signedIn(app)
    await page.goto(app.url + COMPOSE)
    await page.check('[value=everyone]')
    await page.fill('[name=title]', 'At once after all')
    await page.check('[name=planned]')
    await page.fill('[name=publishAt]', '2040-01-31T09:00')
    await page.uncheck('[name=planned]')
    await page.click('[data-send]')
    await page.waitForURL(/notifications\/[\w-]{10,}$/)
    assert.equal(await page.textContent('.badge-word'), 'sent')
    await page.context().close()
  })

  it('put the focus on the summary of what is wrong, which leads to the field', async () => {
    await using app = await startTestApp()
    const page = await signedIn(app)
    await page.goto(app.url + COMPOSE)
    await page.click('[data-send]')
    await page.waitForSelector('.error-summary')
    assert.equal(await page.evaluate('document.activeElement.className'), 'error-summary')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate('document.activeElement.name'), 'recipients')
    await page.context().close()
  })

  it('hold for everyone: nothing that axe finds, nothing that scrolls sideways, one status, in light, dark and narrow', async () => {
    await using app = await startTestApp()
    await app.addUser('a-rather-long-username-as-some-directories-have-them-0123456789')
    await app.notifications.notify({ to: 'everyone', title: 'Donaudampfschifffahrtsgesellschaft'.repeat(4), sender: 'user:1' })
    const { id } = await app.notifications.notify({ to: 'everyone', title: 'Read', body: 'x'.repeat(300), url: `/${'y'.repeat(200)}` })
    await app.notifications.markAsRead('1', id)
    const page = await signedIn(app)
    const pages = ['/admin/notifications', COMPOSE, `/admin/notifications/${id}`, '/admin/users', '/admin/tokens', '/messages/new?sent=ada']
    for (const [colorScheme, width] of [
      ['light', 1200],
      ['dark', 1200],
      ['light', 320],
    ] as const) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 800 })
      for (const path of pages) {
        await page.goto(app.url + path)
        const where = `${path} ${colorScheme} ${width}`
        for (const summary of await page.locator('main summary').all()) await summary.click()
        for (const box of await page.locator('[data-time]').all()) await box.check()
        const { violations } = await new AxeBuilder({ page }).analyze()
        assert.deepEqual(
          violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
          [],
          where,
        )
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${where} scrolls sideways`)
        assert.equal(await page.locator('[role=status]').count(), 1, where)
      }
    }
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('hold for everyone also where something is in the way: too many people, another form, an end of the session, too much', async () => {
    await using app = await startTestApp()
    const insert = app.context.database.handle.prepare(
      `INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'x', 'member', 0, 0)`,
    )
    for (let n = 0; n < 1000; n++) insert.run(`user-${n}`)
    for (const [colorScheme, width] of [
      ['light', 320],
      ['dark', 1200],
    ] as const) {
      const page = await signedIn(app, { colorScheme, viewport: { width, height: 800 } })
      const look = async (heading: string | RegExp) => {
        await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
        for (const summary of await page.locator('main summary').all()) await summary.click()
        const { violations } = await new AxeBuilder({ page }).analyze()
        assert.deepEqual(
          violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
          [],
          String(heading),
        )
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${heading} scrolls sideways`)
      }
      const message = async (title: string) => {
        await page.fill('[name=to]', 'admin')
        await page.fill('[name=title]', title)
        await page.click('main form .button')
      }
      await page.goto(app.url + COMPOSE)
      await page.check('[value=users]')
      await page.fill('[name=recipients]', Array.from({ length: 1000 }, (_, n) => `user-${n}`).join(' '))
      await page.fill('[name=title]', 'To very many')
      await page.click('[data-send]')
      await look('Send this to 1,000 people?')
      await page.goto(`${app.url}/messages/new`)
      await page.fill('[name=to]', 'admin')
      await page.fill('[name=title]', 'Once')
      await page.evaluate(`fetch('/messages', { method: 'POST', body: new URLSearchParams(new FormData(document.querySelector('main form'))) })`)
      await message('Another time')
      await page.waitForSelector('.flash-error')
      await look('Write to somebody')
      await message('x'.repeat(600_000))
      await look('Too large')
      await page.goto(`${app.url}/messages/new`)
      await page.context().clearCookies()
      await message('Too late')
      await page.waitForSelector('#unsent')
      await look('Sign in')
      assert.deepEqual((await shownBy(page)).violations, [])
      await page.context().close()
    }
  })
})

/** What a screen reader says of a field after its name. */
async function descriptionOf(page: Page, selector: string): Promise<unknown> {
  const client = await page.context().newCDPSession(page)
  const { result } = await client.send('Runtime.evaluate', { expression: `document.querySelector('${selector}')` })
  const { nodes } = await client.send('Accessibility.getPartialAXTree', { objectId: result.objectId ?? '', fetchRelatives: false })
  return nodes[0]?.description?.value ?? ''
}
