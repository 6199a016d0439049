import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expectBadge, expectConnection, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser({ keepsPages: true })
})
after(() => browser.close())

/** Tabs of Ada; the first one leads, for it was there first. */
async function openTabs(
  { url }: { readonly url: string },
  count: number,
  connection = 'live',
): Promise<{ context: BrowserContext; leader: Page; others: Page[] }> {
  const context = await browser.newContext()
  const leader = await openTab(context, `${url}/sign-in/ada`)
  await expectConnection(leader, connection)
  const others: Page[] = []
  while (others.length < count - 1) others.push(await openTab(context, url))
  for (const page of others) await expectConnection(page, connection)
  return { context, leader, others }
}

const connections = (host: Host, wanted: number, within: number) =>
  eventually(
    async () => (await host.connections()) === wanted,
    () => `not ${wanted} connections`,
    within,
  )

async function setLifecycle(page: Page, state: 'frozen' | 'active'): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Page.setWebLifecycleState', { state })
}

const NOTE_KEPT = `addEventListener('pageshow', (event) => { window.persisted = event.persisted })`
/** There is a whole browser, which has a back/forward cache. */
const CI = process.env.CI !== undefined

/** Whether the browser keeps pages at all, even one that does nothing: a headless shell doesn't. */
async function keepsPages(): Promise<boolean> {
  await using host = await Host.start()
  const context = await browser.newContext()
  const page = await openTab(context, `${host.url}/sign-out`)
  await page.evaluate('window.kept = true')
  await page.goto(`${host.url}/sign-out?again`)
  await page.goBack({ waitUntil: 'commit' })
  const kept = await page.evaluate('window.kept === true')
  await context.close()
  return kept === true
}

const NO_LOCKS = `navigator.locks.request = () => Promise.reject(new DOMException('No locks here', 'SecurityError'))`
/** What a page does after a fifth of a second, it does when it is told to. */
const MEANT = `
  const { setTimeout, clearTimeout } = window
  window.meant = new Map()
  window.setTimeout = (callback, ms, ...rest) => {
    const id = setTimeout(ms === 200 ? () => {} : callback, ms, ...rest)
    if (ms === 200) meant.set(id, callback)
    return id
  }
  window.clearTimeout = (id) => meant.delete(id) || clearTimeout(id)`

describe('tabs of one person', () => {
  it('hold one connection, be they ten, and show the same', async () => {
    await using host = await Host.start()
    const { context, leader, others } = await openTabs(host, 10)
    assert.equal(await host.connections(), 1)
    for (let n = 1; n <= 5; n++) await host.tell('ada', `Number ${n}`)
    for (const page of [leader, ...others]) {
      await expectBadge(page, '5', 2000)
      const numbers = (await shownBy(page)).badge.map(Number)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }
    assert.equal(await host.connections(), 1)
    await context.close()
  })

  it('are followed by another within 3 seconds of the leader closing, and nothing is missed', async () => {
    await using host = await Host.start()
    const { context, leader, others } = await openTabs(host, 3)
    await leader.close()
    await host.tell('ada', 'In between')
    for (const page of others) await expectBadge(page, '1', 3000)
    await connections(host, 1, 3000)
    await context.close()
  })

  it('are followed by another within 3 seconds of the leader going elsewhere', async () => {
    await using host = await Host.start()
    const { context, leader, others } = await openTabs(host, 2)
    await leader.goto('about:blank')
    await host.tell('ada', 'In between')
    for (const page of others) await expectBadge(page, '1', 3000)
    await context.close()
  })

  it('are followed by another within 5 seconds of the leader freezing; thawed, it shows the same as they do', async () => {
    await using host = await Host.start()
    const { context, leader, others } = await openTabs(host, 3)
    await setLifecycle(leader, 'frozen')
    await host.tell('ada', 'During the frost')
    for (const page of others) await expectBadge(page, '1', 5000)
    await setLifecycle(leader, 'active')
    await expectBadge(leader, '1')
    await host.tell('ada', 'After it')
    for (const page of [leader, ...others]) await expectBadge(page, '2')
    await connections(host, 1, 5000)
    await context.close()
  })

  it('take the lead from one that hangs within 15 seconds, and it follows when it comes to itself', async () => {
    await using host = await Host.start()
    const { context, leader, others } = await openTabs(host, 3)
    const hanging = leader.evaluate('{ const end = Date.now() + 12_000; while (Date.now() < end); }')
    await host.tell('ada', 'While it hangs')
    for (const page of others) await expectBadge(page, '1', 10_000)
    await hanging
    await expectBadge(leader, '1')
    await connections(host, 1, 5000)
    await context.close()
  })

  for (const by of ['live', 'polling']) {
    it(`show what one of them did without passing it on again (${by})`, async () => {
      await using host = await Host.start()
      await using proxy = await FaultyProxy.before(host.url)
      if (by === 'polling') proxy.upgrades = proxy.streams = 'refuse'
      await host.tell('ada', 'One')
      const { context, leader, others } = await openTabs(proxy, 3, by)
      const listener = others[1] as Page
      await listener.evaluate(`{
        window.heard = []
        new BroadcastChannel('belfry /notifications ' + document.querySelector('notification-bell').dataset.user).onmessage = ({ data }) => heard.push(data.type)
      }`)
      const heard = () => listener.evaluate<string[]>('heard')
      const asksIn = (messages: readonly string[]) => messages.filter((type) => type === 'ask').length
      await (others[0] as Page).getByRole('button', { name: 'Notifications, 1 unread' }).click()
      await (others[0] as Page).getByRole('button', { name: 'Mark as read', exact: true }).click()
      for (const page of [leader, ...others]) await expectBadge(page, '')
      // Of what must not come nothing tells the end: until both tabs have asked twice more it is listened to.
      const before = asksIn(await heard())
      await eventually(async () => asksIn(await heard()) >= before + 4, 'both tabs ask twice', 10_000)
      const types = await heard()
      const asks = asksIn(types)
      assert.ok(types.length > asks && types.length - asks <= asks + 2, `heard ${types.join(', ')}`)
      // Who is told by nobody else hears it of the tab itself.
      if (by === 'polling') assert.equal(types.filter((type) => type === 'did').length, 1)
      await context.close()
    })
  }

  it('connect each for itself where there are no locks', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.addInitScript('delete Navigator.prototype.locks')
    const pages = [await openTab(context, `${host.url}/sign-in/ada`), await openTab(context, host.url)]
    for (const page of pages) await expectConnection(page, 'live')
    assert.equal(await host.connections(), 2)
    await host.tell('ada', 'One')
    for (const page of pages) await expectBadge(page, '1')
    await context.close()
  })

  it('connect each for itself, and come back after a sign-out, where the browser refuses every lock', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.addInitScript(NO_LOCKS)
    const pages = [await openTab(context, `${host.url}/sign-in/ada`), await openTab(context, host.url)]
    for (const page of pages) await expectConnection(page, 'live')
    assert.equal(await host.connections(), 2)
    await host.tell('ada', 'One')
    for (const page of pages) await expectBadge(page, '1')
    await pages[0]?.evaluate(`fetch('/sign-out')`)
    for (const page of pages) await expectConnection(page, 'signed-out')
    assert.equal(await host.connections(), 0)
    await pages[0]?.goto(`${host.url}/sign-in/ada`)
    for (const page of pages) await expectConnection(page, 'live')
    await context.close()
  })

  it('connect again, each for itself, where one signs out and in at once and the browser refuses every lock', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.addInitScript(NO_LOCKS)
    await context.addInitScript(MEANT)
    const page = await openTab(context, `${host.url}/sign-in/ada`)
    await expectConnection(page, 'live')
    await context.request.get(`${host.url}/sign-out`)
    await expectConnection(page, 'signed-out')
    const elsewhere = await openTab(context, `${host.url}/sign-in/ada`)
    for (const tab of [elsewhere, page]) await expectConnection(tab, 'live')
    await page.evaluate('for (const late of [...meant.values()]) late()')
    await elsewhere.close()
    await connections(host, 1, 2000)
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    await context.close()
  })

  it('come back from the back/forward cache with what happened meanwhile', async () => {
    const kept = CI || (await keepsPages())
    await using host = await Host.start()
    const { context, leader } = await openTabs(host, 2)
    await leader.evaluate(NOTE_KEPT)
    await leader.goto(`${host.url}/elsewhere`)
    await expectConnection(leader, 'live')
    await host.tell('ada', 'Meanwhile')
    await expectBadge(leader, '1')
    await leader.goBack({ waitUntil: 'commit' })
    await expectBadge(leader, '1', 2000)
    await expectConnection(leader, 'live')
    assert.equal((await leader.evaluate('window.persisted')) ?? false, kept, 'the page was not kept')
    await host.tell('ada', 'Back again')
    await expectBadge(leader, '2', 2000)
    await context.close()
  })

  it('come back from there signed out after a sign-out, and follow whoever signs in again', async () => {
    const kept = CI || (await keepsPages())
    await using host = await Host.start()
    const { context, leader } = await openTabs(host, 1)
    await leader.evaluate(NOTE_KEPT)
    await leader.goto(`${host.url}/elsewhere`)
    await context.request.get(`${host.url}/sign-out`)
    await leader.goBack({ waitUntil: 'commit' })
    await expectConnection(leader, 'signed-out')
    assert.equal((await leader.evaluate('window.persisted')) ?? false, kept, 'the page was not kept')
    const again = await openTab(context, `${host.url}/sign-in/ada`)
    for (const page of [again, leader]) await expectConnection(page, 'live')
    await host.tell('ada', 'Here again')
    for (const page of [again, leader]) await expectBadge(page, '1', 2000)
    assert.equal(await host.connections(), 1)
    await context.close()
  })

  it('come back from there after a sign-out without what stood on a page of their inbox', async () => {
    const kept = CI || (await keepsPages())
    await using host = await Host.start()
    const { context, leader } = await openTabs(host, 1)
    const { id } = await host.tell('ada', 'For nobody else')
    for (const path of ['/notifications', `/notifications/${id}`]) {
      await leader.goto(`${host.url}/sign-in/ada`)
      await leader.goto(host.url + path)
      await leader.getByText('For nobody else').first().waitFor()
      await expectConnection(leader, 'live')
      await leader.evaluate(`addEventListener('pageshow', ({ persisted }) => { sessionStorage.came = persisted })`)
      await leader.goto(`${host.url}/elsewhere`)
      await context.request.get(`${host.url}/sign-out`)
      await leader.goBack({ waitUntil: 'commit' })
      await leader.getByText('Sign in to see your notifications').waitFor()
      assert.equal(await leader.getByText('For nobody else').count(), 0)
      assert.equal((await leader.evaluate('sessionStorage.came')) === 'true', kept, 'the page was not kept')
    }
    await context.close()
  })
})
