import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { PASSWORD, startTestApp, type TestApp } from '../helpers/app.js'
import { launchBrowser, openTabSignedIn } from '../helpers/browser.js'
import { formValues } from '../helpers/forms.js'
import type { Visitor } from '../helpers/visitor.js'

const COMPOSE = '/admin/notifications'

/** Two admins, one of whom has all of their pages open when the other signs in. */
async function twoAdmins(app: TestApp): Promise<readonly [Visitor, Visitor]> {
  return [await app.signIn('cyd', 'admin'), await app.signIn('bob', 'admin')]
}

/** What the form of this action sends, on the page as it was opened. */
async function opened(visitor: Visitor, page: string, action: string): Promise<Record<string, string>> {
  return formValues(await (await visitor.get(page)).text(), action)
}

describe('a form that was opened as one person and is sent after another has signed in', () => {
  it('sends no message in the name of the second, keeps all that was typed, and sends it when that is meant', async () => {
    await using app = await startTestApp()
    const [cyd, bob] = [await app.signIn('cyd'), await app.signIn('bob')]
    const typed = { ...(await opened(cyd, '/messages/new', '/messages')), to: 'admin', title: 'From <cyd>', body: 'At length' }
    const refused = await bob.post('/messages', { form: typed })
    const page = await refused.text()
    assert.equal(refused.status, 409)
    assert.match(
      page.replaceAll(/<\/?strong[^>]*>/g, ''),
      /You are signed in as bob now, and this was written as cyd: nothing was sent\. Send it again to send it as bob\./,
    )
    assert.deepEqual((await app.notifications.sent()).entries, [])
    const again = formValues(page, '/messages')
    assert.deepEqual(again, { ...typed, signedInAs: 'bob' })
    assert.equal((await bob.post('/messages', { form: again })).status, 303)
    assert.deepEqual((await (await app.signIn('admin')).inbox())[0]?.data, { from: 'bob' })
  })

  it('sends no notification either, nor from the page that asks once more', async () => {
    await using app = await startTestApp()
    const [cyd, bob] = await twoAdmins(app)
    const typed = {
      ...(await opened(cyd, `${COMPOSE}/new`, COMPOSE)),
      audience: 'everyone',
      title: 'To all',
      publishAt: '2040-01-31T09:00',
      planned: 'yes',
    }
    for (const confirm of ['ask', 'yes', 'change']) {
      const refused = await bob.post(COMPOSE, { form: { ...typed, confirm } })
      const page = await refused.text()
      assert.equal(refused.status, 409, confirm)
      assert.match(page, /this was written as <strong class="wrap">cyd/)
      assert.deepEqual(formValues(page, COMPOSE), { ...typed, signedInAs: 'bob' })
    }
    assert.deepEqual((await app.notifications.sent()).entries, [])
  })

  it('changes nothing else, says as whom its page was opened, and leads to it', async () => {
    await using app = await startTestApp()
    const [cyd, bob] = await twoAdmins(app)
    const ada = await app.addUser('ada')
    const { id } = await app.notifications.notify({ to: 'everyone', title: 'Still there' })
    await cyd.post('/admin/tokens', { form: { name: 'nightly' } })
    const report = `${COMPOSE}/${id}`
    for (const [page, action, fields] of [
      ['/admin/users', '/admin/users', { username: 'zed', password: PASSWORD, role: 'admin' }],
      ['/admin/users', `/admin/users/${ada.id}/role`, { role: 'admin' }],
      ['/admin/users', `/admin/users/${ada.id}/password`, { password: 'another password' }],
      ['/admin/users', `/admin/users/${ada.id}/disable`, {}],
      ['/admin/tokens', '/admin/tokens', { name: 'weekly' }],
      ['/admin/tokens', '/admin/tokens/1/revoke', {}],
      [report, `${report}/recall`, {}],
      ['/account', '/account/password', { current: PASSWORD, password: 'another password' }],
    ] as const) {
      const refused = await bob.post(action, { form: { ...(await opened(cyd, page, action)), ...fields } })
      const text = await refused.text()
      assert.equal(refused.status, 409, action)
      assert.match(text, /You are signed in as bob now, and this page was opened as cyd: nothing was sent or changed\./)
      assert.ok(text.includes(`href="${page}"`), action)
    }
    const { users } = app.context
    assert.deepEqual([(await users.byId(ada.id))?.generation, (await users.byId(ada.id))?.role], [ada.generation, 'member'])
    assert.equal(await users.byName('zed'), undefined)
    assert.deepEqual(
      (await bob.getJson<{ items: { revokedAt: string | null }[] }>('/admin/tokens')).items.map(({ revokedAt }) => revokedAt),
      [null],
    )
    assert.equal((await app.notifications.report(id)).status, 'published')
    assert.equal((await bob.get('/account')).status, 200)
    await app.signIn('bob')
  })

  it('of a script is in conflict; a script that does not say whom it takes itself for does what it did', async () => {
    await using app = await startTestApp()
    const bob = await app.signIn('bob')
    const message = { to: 'admin', title: 'Hi' }
    const refused = await bob.postJson<{ code: string }>('/messages', { ...message, signedInAs: 'cyd' })
    assert.deepEqual([refused.status, refused.body.code], [409, 'other_person'])
    for (const named of [{}, { signedInAs: 'bob' }]) assert.equal((await bob.postJson('/messages', { ...message, ...named })).status, 201)
  })

  it('repeats no name that cannot be one', async () => {
    await using app = await startTestApp()
    const bob = await app.signIn('bob')
    const page = await (await bob.post('/messages', { form: { to: 'admin', title: 'x', signedInAs: 'the <b>admin</b>' } })).text()
    assert.match(page, /written as <strong class="wrap">somebody else</)
  })

  it('signs out whoever is signed in: who leaves must be out', async () => {
    await using app = await startTestApp()
    const [cyd, bob] = await twoAdmins(app)
    await bob.post('/logout', { form: await opened(cyd, '/account', '/logout') })
    assert.equal((await bob.get('/account')).status, 303)
  })
})

describe('two tabs of a browser', () => {
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser.close())

  for (const javaScriptEnabled of [true, false]) {
    it(`one of which signs in as another send nothing in the wrong name (scripts: ${javaScriptEnabled})`, async () => {
      await using app = await startTestApp()
      for (const username of ['cyd', 'bob']) await app.addUser(username)
      const context = await browser.newContext({ javaScriptEnabled })
      const tab = await openTabSignedIn(context, app.url, 'cyd', PASSWORD)
      await tab.goto(`${app.url}/messages/new`)
      await tab.fill('[name=to]', 'admin')
      await tab.fill('[name=title]', 'Typed as cyd')
      const other = await context.newPage()
      await other.goto(app.url)
      await other.click('text=Sign out')
      await signInAgain(other, 'bob')
      await tab.click('main button')
      await tab.waitForSelector('.flash-error')
      assert.match((await tab.textContent('.flash-error')) ?? '', /signed in as bob now, and this was written as cyd: nothing was sent/)
      assert.equal(await tab.evaluate('document.activeElement.id'), 'errors')
      await tab.click('main button')
      assert.match((await tab.textContent('#sent')) ?? '', /Your message to admin/)
      assert.deepEqual(
        (await (await app.signIn('admin')).inbox()).map(({ title, data }) => [title, data]),
        [['Typed as cyd', { from: 'bob' }]],
      )
      await context.close()
    })
  }
})

async function signInAgain(page: Page, username: string): Promise<void> {
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', PASSWORD)
  await page.press('[name=password]', 'Enter')
  await page.waitForURL('**/notifications')
}
