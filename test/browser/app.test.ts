import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

let browser: Browser
let server: ServerProcess
let admin: Visitor
before(async () => {
  ;[browser, server] = await Promise.all([launchBrowser(), ServerProcess.start()])
  admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  for (const username of ['ada', 'bob', 'eve'])
    await admin.post('/admin/users', { form: { username, password: `${username}'s password`, role: 'member' } })
})
after(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
})

/** A browser of its own, in which somebody signed in through the form. */
async function signIn(username: string, password = `${username}'s password`, javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled })
  const page = javaScriptEnabled ? await openTab(context, `${server.url}/login`) : await context.newPage()
  if (!javaScriptEnabled) await page.goto(`${server.url}/login`)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor()
  if (javaScriptEnabled) await expectConnection(page, 'live')
  return page
}

describe('the app in a real browser', () => {
  it('moves exactly the right badges when an admin sends through the form', async () => {
    const [sender, ada, bob] = await Promise.all([signIn('admin', server.admin.password), signIn('ada'), signIn('bob')])
    await sender.goto(`${server.url}/admin/notifications/new`)
    await sender.locator('[name=audience][value=user]').check()
    await sender.locator('[name=recipients]').fill('ada')
    await sender.locator('[name=title]').fill('Only for Ada')
    await sender.locator('main form button[type=submit]').last().click()
    await sender.waitForURL(/\/admin\/notifications\/[^/]+$/)
    await expectBadge(ada, '1')
    await ada.getByRole('link', { name: 'Only for Ada' }).waitFor()
    assert.deepEqual((await shownBy(bob)).badge, [''])
    for (const page of [sender, ada, bob]) {
      assert.deepEqual((await shownBy(page)).violations, [])
      await page.context().close()
    }
  })

  it('shows an admin what was written in another direction with its punctuation at its end', async () => {
    const title = 'مرحبا بكم!'
    const form = { audience: 'user', recipients: 'ada', title, body: title, level: 'info', category: title }
    assert.equal((await admin.post('/admin/notifications', { form })).status, 303)
    const page = await signIn('admin', server.admin.password)
    /** Whether the last character of these texts stands left of the first. */
    const turned = `[...document.querySelectorAll('main :is(a, h1, p, bdi)')].filter((element) => element.textContent === ${JSON.stringify(title)}).map((element) => {
      const placeOf = (at) => {
        const range = document.createRange()
        range.setStart(element.firstChild, at)
        range.setEnd(element.firstChild, at + 1)
        return range.getBoundingClientRect().left
      }
      return placeOf(${title.length - 1}) < placeOf(0)
    })`
    await page.goto(`${server.url}/admin/notifications`)
    assert.deepEqual(await page.evaluate(turned), [true])
    await page.getByRole('link', { name: title }).click()
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    assert.deepEqual(await page.evaluate(turned), [true, true, true])
    await page.context().close()
  })

  it('closes what a disabled person has open', async () => {
    const eve = await signIn('eve')
    const { items } = await admin.getJson<{ items: readonly { id: number; username: string }[] }>('/admin/users')
    const id = items.find(({ username }) => username === 'eve')?.id
    await admin.post(`/admin/users/${id}/disable`)
    await expectConnection(eve, 'signed-out', 2000)
    await eve.context().close()
  })

  it('goes on in the other tabs after the own password was changed', async () => {
    const page = await signIn('bob')
    const other = await openTab(page.context(), `${server.url}/notifications`)
    await expectConnection(other, 'live')
    await page.goto(`${server.url}/account`)
    await page.locator('[name=current]').fill(`bob's password`)
    await page.locator('[name=password]').fill('quite another password')
    await page.locator('main form button[type=submit]').first().click()
    await page.waitForURL(/account/)
    for (const tab of [page, other]) await expectConnection(tab, 'live', 10_000)
    await admin.post('/messages', { form: { to: 'bob', title: 'Still here?', body: '' } })
    for (const tab of [page, other]) await expectBadge(tab, '1')
    await page.context().close()
  })

  it('does the whole job without JavaScript', async () => {
    await admin.post('/messages', { form: { to: 'ada', title: 'On paper', body: 'Twice\nfolded' } })
    const page = await signIn('ada', undefined, false)
    await page.getByRole('link', { name: 'On paper' }).click()
    await page.getByRole('heading', { name: 'On paper', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.goto(`${server.url}/notifications?filter=archived`)
    await page.getByRole('link', { name: 'On paper' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/login/)
    await page.context().close()
  })

  it('comes back after the process was killed, with everything that was acknowledged', async () => {
    const ada = await signIn('ada')
    const before = await ada.evaluate<string>(`document.querySelector('notification-bell').getAttribute('unread')`)
    await server.end('SIGKILL')
    await expectConnection(ada, 'offline', 10_000)
    await server.start()
    const { status } = await admin.post('/messages', { form: { to: 'ada', title: 'After the fall', body: '' } })
    assert.equal(status, 303)
    await expectText(ada, `document.querySelector('notification-bell').getAttribute('unread')`, String(Number(before) + 1), 30_000)
    await expectConnection(ada, 'live', 30_000)
    await ada.context().close()
  })
})
