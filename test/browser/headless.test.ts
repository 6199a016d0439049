import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { expectText, launchBrowser } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** A page that makes its own bell of the core, and is never left; `window.seen` has all that it was told. */
async function openApp(host: Host): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${host.url}/elsewhere`)
  await page.evaluate(`import('/core.js').then(({ createClient }) => {
    window.client = createClient()
    window.seen = []
    window.join = () => { window.leave = client.subscribe(() => seen.push(client.getSnapshot())) }
    join()
  })`)
  return page
}

const signIn = (page: Page, who: string) => page.evaluate(`fetch('/sign-in/${who}').then(() => true)`)
const expectShown = (page: Page, connection: string, unread: number) =>
  expectText(page, `[client.getSnapshot().connection, client.getSnapshot().state?.unread]`, [connection, unread])
const expectSignedOut = (page: Page) => expectText(page, 'client.getSnapshot().connection', 'signed-out')

describe('the core in a page that signs in without being left', () => {
  // Whoever leaves is gone in the next turn, which a timer of ours begins after.
  for (const [what, act] of [
    ['a page of the inbox is asked for', 'client.list().then(() => true)'],
    ['somebody acts', 'client.act()'],
    ['somebody subscribes again', 'leave(), new Promise((left) => setTimeout(left)).then(join)'],
  ] as const)
    it(`goes on when ${what}`, async () => {
      await using host = await Host.start()
      await host.tell('ada', 'Before')
      const page = await openApp(host)
      await expectSignedOut(page)
      await signIn(page, 'ada')
      await page.evaluate(act)
      await expectShown(page, 'live', 1)
      await host.tell('ada', 'After')
      await expectShown(page, 'live', 2)
      await page.context().close()
    })

  it('begins anew with whoever signs in, also where they have fewer and were told less', async () => {
    await using host = await Host.start()
    for (let n = 0; n < 5; n++) await host.tell('ada', `For Ada ${n}`)
    await host.tell('bob', 'For Bob')
    const page = await openApp(host)
    await signIn(page, 'ada')
    await page.evaluate('client.list().then(() => true)')
    await expectShown(page, 'live', 5)
    await page.evaluate(`fetch('/sign-out').then(() => true)`)
    await expectSignedOut(page)
    await signIn(page, 'bob')
    await page.evaluate('client.act()')
    await expectShown(page, 'live', 1)
    await page.context().close()
  })

  it('never says that it is live before it knows the count', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openApp(host)
    await signIn(page, 'ada')
    await page.evaluate('client.act()')
    await expectShown(page, 'live', 1)
    const seen = (await page.evaluate('seen')) as { readonly connection: string; readonly state?: object }[]
    assert.deepEqual(
      seen.filter(({ connection, state }) => connection === 'live' && state === undefined),
      [],
    )
    await page.context().close()
  })
})

describe('the core to which two parts of a page listen with the same function', () => {
  it('tells each until it leaves, and disconnects when both have', async () => {
    await using host = await Host.start()
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${host.url}/elsewhere`)
    await signIn(page, 'ada')
    await page.evaluate(`import('/core.js').then(({ createClient }) => {
      window.client = createClient()
      const listener = () => told++
      window.leaves = [client.subscribe(listener), client.subscribe(listener)]
      window.told = 0
    })`)
    await expectShown(page, 'live', 0)
    await page.evaluate('told = 0, leaves[0](), leaves[0]()')
    await host.tell('ada', 'One')
    await expectShown(page, 'live', 1)
    assert.equal(await page.evaluate('told'), 1)
    assert.equal(await host.connections(), 1)
    await page.evaluate('leaves[1]()')
    await eventually(async () => (await host.connections()) === 0, 'disconnected')
    await page.context().close()
  })
})
