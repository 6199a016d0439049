import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../helpers/browser.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

let browser: Browser
let server: ServerProcess
let admin: Visitor
// Firefox keeps no page with a bell whole, and there are others that keep none: what is gone back to is made anew, of what was kept of the answer.
before(async () => {
  ;[browser, server] = await Promise.all([launchBrowser(), ServerProcess.start({ TZ: 'UTC' })])
  admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await admin.post('/admin/users', { form: { username: 'ada', password: `ada's password`, role: 'member' } })
})
after(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
})

async function signIn(username: string, password: string, more: { javaScriptEnabled?: boolean; timezoneId?: string } = {}): Promise<Page> {
  const page = await (await browser.newContext(more)).newPage()
  await page.goto(`${server.url}/login`)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/notifications')
  return page
}

/** Leaves the page, and comes back to it. */
async function away(page: Page): Promise<void> {
  await page.goto(`${server.url}/account`)
  await page.goBack()
}

describe('what a browser brings back', () => {
  it('on the way back is the inbox as it is now, also without scripts', async () => {
    for (const title of ['First', 'Second']) await admin.post('/messages', { form: { to: 'ada', title, body: '' } })
    const page = await signIn('ada', `ada's password`, { javaScriptEnabled: false })
    await page.locator('notification-bell[unread="2"]').waitFor()
    await page.getByRole('link', { name: 'Second' }).click()
    await page.getByRole('heading', { name: 'Second', level: 1 }).waitFor()
    await page.goBack()
    await page.locator('notification-bell[unread="1"]').waitFor({ timeout: 2000 })
    assert.equal(await page.locator('[data-notification-id][data-state=unread]').count(), 1)
    await page.context().close()
  })

  it('into a form on the way back is all that was typed, and the zone that its time was typed for', async () => {
    const page = await signIn('admin', server.admin.password, { timezoneId: 'America/New_York' })
    await page.goto(`${server.url}/admin/notifications/new`)
    await page.locator('[name=title]').fill('At nine')
    await page.locator('[name=planned]').check()
    await page.locator('[name=publishAt]').fill('2099-12-24T09:00')
    await away(page)
    const kept = `['title', 'publishAt', 'timeZone'].map((name) => document.querySelector('[name=' + name + ']').value)`
    assert.deepEqual(await page.evaluate(kept), ['At nine', '2099-12-24T09:00', 'America/New_York'])
    assert.equal(await page.locator('#count-title').textContent(), '7 of 200 characters')
    await page.context().close()
  })

  it('into a form that was sent is also what it was sent with: sent again on the way back, it makes no second one', async () => {
    const page = await signIn('admin', server.admin.password)
    const send = async (title: string) => {
      await page.locator('[name=title]').fill(title)
      await page.locator('main form .button').click()
    }
    const sent = async () => {
      const list = await admin.get('/admin/notifications?limit=100', { accept: 'application/json' })
      return ((await list.json()) as { items: unknown[] }).items.length
    }
    const before = await sent()
    await page.goto(`${server.url}/messages/new`)
    await page.locator('[name=to]').fill('ada')
    await send('Only once')
    await page.waitForURL(/sent=ada/)
    await page.goBack()
    await send('Only once')
    await page.waitForURL(/sent=ada/)
    assert.equal(await sent(), before + 1)
    await page.goBack()
    await send('Something else')
    await page.locator('.flash-error').waitFor()
    assert.equal(await sent(), before + 1)
    await send('Something else')
    await page.waitForURL(/sent=ada/)
    assert.equal(await sent(), before + 2)
    await page.context().close()
  })

  it('of the roles of people is none that they do not have', async () => {
    const page = await signIn('admin', server.admin.password)
    await page.goto(`${server.url}/admin/users`)
    await page.locator('summary', { hasText: 'ada' }).click()
    const role = page.locator('li', { hasText: 'ada' }).locator('[name=role]')
    const before = await role.inputValue()
    await role.selectOption(before === 'admin' ? 'member' : 'admin')
    await away(page)
    await page.locator('summary', { hasText: 'ada' }).click()
    assert.equal(await role.inputValue(), before)
    await page.context().close()
  })
})
