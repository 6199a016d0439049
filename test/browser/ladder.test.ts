import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Flights, WATCH_SOCKETS } from '../helpers/flights.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** What the page asks for waits until `letAsk` is called. */
const HOLD_FETCH = `
  const ask = fetch
  const allowed = new Promise((allow) => { window.letAsk = allow })
  window.fetch = async (...asked) => {
    window.asking = true
    await allowed
    return ask(...asked)
  }`

/** A page of Ada's behind something bad, whose clock can be moved on. */
async function pageBehind(proxy: FaultyProxy, script = ''): Promise<Page> {
  const context = await browser.newContext()
  await context.clock.install()
  await context.addInitScript(WATCH_SOCKETS)
  await context.addInitScript(script)
  const page = await openTab(context, `${proxy.url}/sign-in/ada`)
  flights.set(page, new Flights(page))
  return page
}

const flights = new WeakMap<Page, Flights>()
/** In seconds; an attempt that is given no answer by then is over only after more than two of them. */
const STEP = 2

/** Moves the clock of a page on, in steps that leave the server the time to answer. */
async function pass(page: Page, seconds: number, proxy: FaultyProxy): Promise<void> {
  const wayOf = (url: string) => (url.includes('/socket') ? 'upgrades' : url.includes('/stream') ? 'streams' : 'requests')
  for (let passed = 0; passed < seconds; passed += STEP) {
    await page.clock.runFor(STEP * 1000)
    await flights.get(page)?.land((url) => proxy[wayOf(url)] === 'swallow')
  }
}

const sockets = (proxy: FaultyProxy) => proxy.asked.filter((path) => path.includes('/socket')).length
const streams = (proxy: FaultyProxy) => proxy.asked.filter((path) => path.includes('/stream')).length
const polls = (proxy: FaultyProxy) => proxy.asked.filter((path) => path.includes('/unread')).length

describe('the way up and down', () => {
  for (const fault of ['refuse', 'cut', 'swallow'] as const) {
    it(`takes server-sent events where sockets are blocked (${fault})`, async () => {
      await using host = await Host.start()
      await using proxy = await FaultyProxy.before(host.url)
      proxy.upgrades = fault
      const page = await pageBehind(proxy)
      await expectConnection(page, 'live', 10_000)
      await host.tell('ada', 'By server-sent events')
      await expectBadge(page, '1', 1000)
      assert.equal(streams(proxy), 1)
      await page.context().close()
    })
  }

  it('polls every 30 seconds where streams are blocked too, and climbs again when it can', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = 'refuse'
    proxy.streams = 'refuse'
    const page = await pageBehind(proxy)
    await expectConnection(page, 'polling')
    await host.tell('ada', 'By polling')
    const before = polls(proxy)
    await pass(page, 25, proxy)
    assert.equal(polls(proxy), before)
    await pass(page, 10, proxy)
    await expectBadge(page, '1')
    proxy.upgrades = 'pass'
    await pass(page, 30, proxy)
    await expectConnection(page, 'live')
    await host.tell('ada', 'By socket')
    await expectBadge(page, '2', 1000)
    assert.deepEqual((await shownBy(page)).badge, ['', '1', '2'])
    await page.context().close()
  })

  it('climbs from server-sent events to a socket within a minute, and lets the stream go', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = 'refuse'
    const page = await pageBehind(proxy)
    await expectConnection(page, 'live')
    proxy.upgrades = 'pass'
    const tried = sockets(proxy)
    await pass(page, 65, proxy)
    await eventually(
      () => sockets(proxy) > tried,
      () => 'no socket was tried',
    )
    await eventually(
      async () => (await host.connections()) === 1,
      () => 'both are kept',
    )
    await host.tell('ada', 'By socket')
    await expectBadge(page, '1')
    await page.context().close()
  })

  it('climbs to a socket however often its stream breaks', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = 'refuse'
    const page = await pageBehind(proxy)
    await expectConnection(page, 'live')
    proxy.upgrades = 'pass'
    let tried = 0
    page.on('websocket', () => tried++)
    for (let breaks = 0; breaks < 4; breaks++) {
      await page.clock.runFor(20_000)
      const before = streams(proxy) + sockets(proxy)
      proxy.cut()
      await eventually(
        () => streams(proxy) + sockets(proxy) > before,
        () => 'it did not come back',
      )
      await expectConnection(page, 'live')
    }
    await eventually(
      () => tried > 0,
      () => `no socket was tried, but ${streams(proxy)} streams`,
    )
    await page.context().close()
  })

  it('keeps the link that came back while it still asked why another attempt had failed', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = 'swallow'
    const page = await pageBehind(proxy, HOLD_FETCH)
    await eventually(
      () => sockets(proxy) === 1,
      () => 'no socket was tried',
    )
    await page.clock.runFor(5000)
    await expectText(page, 'window.asking', true)
    proxy.upgrades = 'pass'
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
    await expectConnection(page, 'live')
    await page.evaluate('letAsk()')
    await eventually(
      () => polls(proxy) === 1 && proxy.pending === 0,
      () => 'nothing was asked',
    )
    await host.tell('ada', 'By the link that stands')
    await expectBadge(page, '1')
    assert.equal(streams(proxy), 0)
    await page.context().close()
  })

  it('gives up a link that is silent for two heartbeats, and finds another', async () => {
    await using host = await Host.start({ heartbeat: 1 })
    await using proxy = await FaultyProxy.before(host.url)
    const page = await pageBehind(proxy)
    await expectConnection(page, 'live')
    proxy.freeze()
    await host.tell('ada', 'Into the silence')
    await expectBadge(page, '1', 8000)
    await page.context().close()
  })

  it('backs off between attempts while the server is away, and does not storm it', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    const page = await pageBehind(proxy)
    await expectConnection(page, 'live')
    proxy.requests = proxy.upgrades = 'cut'
    proxy.cut()
    await expectConnection(page, 'offline')
    await pass(page, 60, proxy)
    assert.ok(sockets(proxy) <= 20, `it tried ${sockets(proxy)} times in a minute`)
    assert.ok(sockets(proxy) >= 3, 'it gave up')
    proxy.requests = proxy.upgrades = 'pass'
    await host.tell('ada', 'Meanwhile')
    await page.evaluate(`window.dispatchEvent(new Event('online'))`)
    await expectBadge(page, '1')
    await expectConnection(page, 'live')
    await page.context().close()
  })

  it('after a sign-out asks at most twice, by whatever way it heard of changes', async () => {
    for (const blocked of [[], ['upgrades'], ['upgrades', 'streams']] as const) {
      await using host = await Host.start({ heartbeat: 7200 })
      await using proxy = await FaultyProxy.before(host.url)
      for (const what of blocked) proxy[what] = 'refuse'
      const page = await pageBehind(proxy)
      await expectConnection(page, blocked.length === 2 ? 'polling' : 'live')
      const other = await page.context().newPage()
      await other.goto(`${proxy.url}/sign-out`)
      const before = proxy.asked.length
      const asked = () => proxy.asked.slice(before).filter((path) => path.startsWith('/notifications'))
      await pass(page, 70, proxy)
      await expectConnection(page, 'signed-out')
      assert.ok(asked().length <= 2, `it asked for ${asked().join(', ')}`)
      await page.context().close()
    }
  })

  it('tells a page nothing of somebody else who goes on in its session', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = proxy.streams = 'refuse'
    await host.tell('bob', 'Only for Bob')
    const page = await pageBehind(proxy)
    await expectConnection(page, 'polling')
    await (await page.context().newPage()).goto(`${proxy.url}/become/bob`)
    await pass(page, 35, proxy)
    await expectConnection(page, 'signed-out')
    assert.deepEqual((await shownBy(page)).badge, [''])
    await page.context().close()
  })

  it('finds the present state after the machine slept', async () => {
    await using host = await Host.start({ heartbeat: 7200 })
    await using proxy = await FaultyProxy.before(host.url)
    const page = await pageBehind(proxy)
    await expectConnection(page, 'live')
    proxy.freeze()
    await host.tell('ada', 'During the sleep')
    await page.clock.fastForward('01:00:00')
    await expectBadge(page, '1', 10_000)
    await expectConnection(page, 'live', 10_000)
    await page.context().close()
  })
})
