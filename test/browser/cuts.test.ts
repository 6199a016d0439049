import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { badgeText } from '../../src/notifications/protocol.js'
import { expectConnection, expectText, launchBrowser, openTab, rowsOf, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const CUTS = 20
const BETWEEN = 50

/** Writes down every state that the bell was told, every count that it then showed, and what it said had arrived. */
const RECORDER = `
  window.told = []
  window.counts = []
  window.arrived = []
  document.addEventListener('belfry-change', ({ target, detail }) => {
    if (detail.state) window.told.push(detail.state)
  })
  document.addEventListener('belfry-arrival', ({ detail }) => window.arrived.push(detail.id))
  new MutationObserver(() => {
    const unread = document.querySelector('notification-bell')?.getAttribute('unread')
    if (unread && window.counts.at(-1) !== unread) window.counts.push(unread)
  }).observe(document, { subtree: true, childList: true, attributes: true })
`

interface Told {
  readonly version: number
  readonly unread: number
}

const withoutRepeats = <T>(values: readonly T[]) => values.filter((value, at) => value !== values[at - 1])

/** Everything that this tab ever showed was so, and never older than what it had shown before. */
async function expectOnlyTruth(page: Page, truth: ReadonlyMap<number, number>): Promise<void> {
  const [told, counts, arrived] = await page.evaluate<[Told[], string[], string[]]>('[window.told, window.counts, window.arrived]')
  for (const { version, unread } of told) assert.equal(unread, truth.get(version), `wrong at version ${version}`)
  const versions = told.map(({ version }) => version)
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
    'it went back',
  )
  assert.ok(new Set(versions).size >= CUTS, `it followed only ${new Set(versions).size} times`)
  const numbers = withoutRepeats(told.map(({ unread }) => unread))
  assert.deepEqual(counts, withoutRepeats(['0', ...numbers.map(String)]))
  assert.deepEqual((await shownBy(page)).badge, withoutRepeats(['', ...numbers.map(badgeText)]))
  assert.equal(new Set(arrived).size, arrived.length, 'one arrived twice')
}

/** What the server has, the newest first. */
async function everyItem(host: Host): Promise<readonly { id: string; state: string }[]> {
  const items = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await host.notifications.list('ada', { limit: 100, ...(cursor && { before: cursor }) })
    items.push(...page.items.map(({ id, state }) => ({ id, state })))
    cursor = page.nextCursor
  }
  return items
}

/** Moves the clock on until there was another connection after this many cuts, and it stands. */
async function comeBack(proxy: FaultyProxy, page: Page, cuts: number): Promise<void> {
  const connections = () => proxy.asked.filter((path) => path.includes('/socket')).length
  const isLive = async () =>
    connections() > cuts && (await page.evaluate(`document.querySelector('notification-bell').getAttribute('connection')`)) === 'live'
  await eventually(
    async () => {
      await page.clock.fastForward(1000)
      return isLive()
    },
    () => `no connection after ${cuts} cuts`,
    20_000,
  )
}

describe('a bad line', () => {
  it('loses and doubles none of a thousand notifications over twenty cuts, and no tab ever shows a wrong number', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    const context = await browser.newContext()
    await context.clock.install()
    await context.addInitScript(RECORDER)
    await (await context.newPage()).goto(`${proxy.url}/elsewhere`)
    const home = await openTab(context, `${proxy.url}/sign-in/ada`)
    const inbox = await openTab(context, `${proxy.url}/notifications`)
    for (const page of [home, inbox]) await expectConnection(page, 'live')

    const truth = new Map<number, number>()
    const note = async () => {
      const { version, unread } = await host.notifications.state('ada')
      truth.set(version, unread)
    }
    await note()
    for (let n = 1; n <= CUTS * BETWEEN; n++) {
      const { id } = await host.tell('ada', `Number ${n}`)
      await note()
      if (n % 7 === 0) {
        await host.notifications.markAsRead('ada', id)
        await note()
      }
      if (n % BETWEEN === BETWEEN / 2) proxy.cut()
      if (n % BETWEEN === 0) await comeBack(proxy, home, n / BETWEEN)
    }

    const { unread } = await host.notifications.state('ada')
    for (const page of [home, inbox]) {
      await expectText(page, `document.querySelector('notification-bell').getAttribute('unread')`, String(unread), 20_000)
      await expectOnlyTruth(page, truth)
    }
    await expectText(inbox, `document.querySelectorAll('li[data-notification-id]').length`, CUTS * BETWEEN, 30_000)
    await expectText(inbox, `document.querySelectorAll('li[data-state=unread]').length`, unread, 20_000)
    assert.deepEqual(await rowsOf(inbox), await everyItem(host))
    await context.close()
  })
})
