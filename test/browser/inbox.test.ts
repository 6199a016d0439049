import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, rowsOf, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Gate } from '../helpers/gate.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Ada's inbox, at this address below the plugin. */
async function openInbox(url: string, at = '', connection = 'live'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } })
  await (await context.newPage()).goto(`${url}/sign-in/ada`)
  const page = await openTab(context, `${url}/notifications${at}`)
  await expectConnection(page, connection)
  return page
}

const titles = `[...document.querySelectorAll('li[data-notification-id] [data-slot=title]')].map((title) => title.textContent)`
const states = `[...document.querySelectorAll('li[data-notification-id]')].map((row) => row.dataset.state)`
const row = (page: Page, title: string) => page.locator('li[data-notification-id]', { hasText: title })

async function press(page: Page, title: string, button: string): Promise<void> {
  await row(page, title).hover()
  await row(page, title).getByRole('button', { name: button, exact: true }).click()
}

describe('the inbox', () => {
  it('takes new rows in at the top, as the server would have rendered them', async () => {
    await using host = await Host.start()
    const page = await openInbox(host.url)
    await host.tell('ada', 'First')
    await expectText(page, titles, ['First'])
    await host.notifications.notify({
      to: { user: 'ada' },
      title: 'Second',
      body: 'With a text',
      level: 'warning',
      category: 'builds & more',
      data: { from: 'Grace' },
    })
    await expectText(page, titles, ['Second', 'First'])
    const slots = `[...document.querySelector('li[data-notification-id]').querySelectorAll('[data-slot]:not(time), a, form')]
      .map((part) => [part.dataset.slot, part.textContent.trim(), part.getAttribute('href') ?? part.getAttribute('action')])`
    const live = await page.evaluate(slots)
    await page.reload()
    assert.deepEqual(live, await page.evaluate(slots))
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('shows text as text, whatever was typed', async () => {
    await using host = await Host.start()
    const page = await openInbox(host.url)
    const nasty = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    await host.notifications.notify({ to: { user: 'ada' }, title: nasty, body: nasty, category: '<b>bold</b>', data: { from: nasty } })
    await expectText(page, titles, [nasty])
    assert.equal(await page.locator('.belfry-list :is(img, script, b)').count(), 0)
    await page.context().close()
  })

  it('shows at once what was read, archived or recalled elsewhere', async () => {
    await using host = await Host.start()
    const ids = []
    for (const title of ['One', 'Two', 'Three']) ids.push((await host.tell('ada', title)).id)
    const [one = '', two = '', three = ''] = ids
    const page = await openInbox(host.url)
    await host.notifications.markAsRead('ada', one)
    await expectText(page, states, ['unread', 'unread', 'read'])
    await host.notifications.archive('ada', two)
    await expectText(page, titles, ['Three', 'One'])
    await host.notifications.recall(three)
    await expectText(page, titles, ['One'])
    await host.notifications.unarchive('ada', two)
    await expectText(page, titles, ['Two', 'One'])
    await page.context().close()
  })

  it('never moves what one reads: below the top, new ones wait in a pill', async () => {
    await using host = await Host.start()
    for (let n = 0; n < 25; n++) await host.tell('ada', `Old ${n}`)
    const page = await openInbox(host.url)
    await page.evaluate('scrollTo(0, 900)')
    const place = `Math.round(document.querySelectorAll('li[data-notification-id]')[15].getBoundingClientRect().top)`
    const before = await page.evaluate(place)
    await host.tell('ada', 'New 1')
    await page.getByRole('button', { name: '1 new', exact: true }).waitFor()
    await host.tell('ada', 'New 2')
    await page.getByRole('button', { name: '2 new', exact: true }).waitFor()
    assert.equal(await page.evaluate(place), before)
    assert.equal((await rowsOf(page)).length, 25)
    assert.equal(await page.locator('[data-belfry-read-all] [name=upTo]').inputValue(), await row(page, 'Old 24').getAttribute('data-cursor'))
    await page.getByRole('button', { name: '2 new', exact: true }).click()
    await expectText(page, `${titles}.slice(0, 3)`, ['New 2', 'New 1', 'Old 24'])
    await expectText(page, `document.activeElement.textContent`, 'New 2')
    await page.context().close()
  })

  it('marks, archives and brings back without leaving the page, and the badge follows', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    await host.tell('ada', 'Two')
    const page = await openInbox(host.url)
    await page.evaluate('window.same = true')
    await press(page, 'One', 'Mark as read')
    await expectText(page, states, ['unread', 'read'])
    await expectBadge(page, '1')
    await press(page, 'One', 'Mark as unread')
    await expectBadge(page, '2')
    await press(page, 'Two', 'Archive')
    await expectText(page, titles, ['One'])
    await expectBadge(page, '1')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, titles, ['Two', 'One'])
    await expectText(page, states, ['unread', 'unread'])
    await expectBadge(page, '2')
    await press(page, 'One', 'Mark as read')
    await press(page, 'One', 'Archive')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, states, ['unread', 'read'])
    assert.equal(await page.evaluate('window.same'), true)
    await eventually(
      async () => (await host.notifications.list('ada', {})).items.map(({ state }) => state).join() === 'unread,read',
      () => 'the undo did not reach the server',
    )
    await page.context().close()
  })

  it('announces what arrives, in every tab, and not what was marked as unread, be it here or elsewhere', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'One')
    const page = await openInbox(host.url)
    const other = await openTab(page.context(), host.url)
    await expectConnection(other, 'live')
    await press(page, 'One', 'Mark as read')
    for (const tab of [page, other]) await expectBadge(tab, '')
    await press(page, 'One', 'Mark as unread')
    for (const tab of [page, other]) await expectBadge(tab, '1')
    await host.notifications.markAsRead('ada', id)
    for (const tab of [page, other]) await expectBadge(tab, '')
    await host.notifications.markAsUnread('ada', id)
    for (const tab of [page, other]) await expectBadge(tab, '1')
    await host.tell('ada', 'Two')
    for (const tab of [page, other]) {
      await expectText(tab, `document.querySelector('[role=status]').textContent`, 'New notification: Two. 2 unread')
      assert.deepEqual((await shownBy(tab)).status, ['', 'New notification: Two. 2 unread'])
    }
    await page.context().close()
  })

  it('keeps the focus where the work goes on', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    await host.tell('ada', 'Two')
    const page = await openInbox(host.url)
    await row(page, 'Two').getByRole('button', { name: 'Mark as read' }).focus()
    await page.keyboard.press('Enter')
    await expectText(page, 'document.activeElement.textContent', 'Mark as unread')
    await row(page, 'Two').getByRole('button', { name: 'Archive' }).focus()
    await page.keyboard.press('Enter')
    await expectText(page, 'document.activeElement.textContent', 'Undo')
    const inbox = async () => (await host.notifications.list('ada', {})).items
    const arrived = (count: number, what: string) =>
      eventually(
        async () => (await inbox()).length === count,
        () => `the ${what} did not reach the server`,
      )
    await arrived(1, 'archiving')
    await page.keyboard.press('Enter')
    await expectText(page, 'document.activeElement.textContent', 'Two')
    await arrived(2, 'undo')
    await host.notifications.recall((await inbox()).find(({ title }) => title === 'Two')?.id ?? '')
    await expectText(page, 'document.activeElement.textContent', 'One')
    await page.context().close()
  })

  it('takes back exactly what failed', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    for (const title of ['One', 'Two', 'Three']) await host.tell('ada', title)
    const page = await openInbox(proxy.url)
    await press(page, 'Three', 'Mark as read')
    await expectBadge(page, '2')
    proxy.requests = 'refuse'
    await press(page, 'One', 'Archive')
    await press(page, 'Two', 'Mark as read')
    await expectText(page, titles, ['Three', 'Two', 'One'])
    await expectText(page, states, ['read', 'unread', 'unread'])
    await expectText(page, `document.querySelector('[role=status]').textContent`, 'That did not work. Try again.')
    for (const title of ['One', 'Two']) await row(page, title).getByText('That did not work.').waitFor()
    proxy.requests = 'pass'
    await press(page, 'Two', 'Mark as read')
    await expectText(page, states, ['read', 'read', 'unread'])
    assert.equal(await row(page, 'Two').getByText('That did not work.').count(), 0)
    await page.context().close()
  })

  it('shows again what the server has where all that was done one after the other failed', async () => {
    await using host = await Host.start()
    for (const title of ['One', 'Two']) await host.tell('ada', title)
    const page = await openInbox(host.url)
    const gate = new Gate()
    await page.route(/\/(read|unread|archive|unarchive)\?/, async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      await gate.pass()
      await route.fulfill({ status: 503 })
    })
    await press(page, 'Two', 'Mark as read')
    await press(page, 'Two', 'Mark as unread')
    await press(page, 'One', 'Archive')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, states, ['unread', 'unread'])
    gate.open()
    await expectText(page, `document.querySelectorAll('.belfry-failed').length`, 2)
    await expectText(page, states, ['unread', 'unread'])
    assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0)
    await page.context().close()
  })

  it('says what is gone, and that one is signed out, where it has not heard of it yet', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = proxy.streams = 'refuse'
    const ids = []
    for (const title of ['One', 'Two', 'Three']) ids.push((await host.tell('ada', title)).id)
    const page = await openInbox(proxy.url, '', 'polling')
    const status = `document.querySelector('[role=status]').textContent`
    for (const id of ids.slice(1)) await host.notifications.recall(id)
    await press(page, 'Three', 'Mark as read')
    await expectText(page, titles, ['Two', 'One'])
    await page.locator('.belfry-list').getByText('No longer there: Three').waitFor()
    await expectText(page, status, 'No longer there: Three')
    await row(page, 'Two').getByRole('button', { name: 'Archive' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('.belfry-list').getByText('No longer there: Two').waitFor()
    await expectText(page, 'document.activeElement.textContent', 'One')
    assert.equal(await page.getByText('Please try again').count(), 0)
    await page.context().request.get(`${host.url}/sign-out`)
    await press(page, 'One', 'Mark as read')
    await page.getByRole('heading', { name: 'You are signed out.' }).waitFor()
    assert.equal(await row(page, 'One').count(), 0)
    await expectText(page, status, 'You are signed out.')
    await page.context().close()
  })

  it('has a panel that says what is gone, and takes it away', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    proxy.upgrades = proxy.streams = 'refuse'
    const { id } = await host.tell('ada', 'One')
    const page = await openInbox(proxy.url, '', 'polling')
    await page.getByRole('button', { name: /^Notifications, / }).click()
    const panel = page.locator('.belfry-panel')
    await panel.getByRole('link', { name: 'One' }).waitFor()
    await host.notifications.recall(id)
    await panel.getByRole('button', { name: 'Archive' }).click()
    await panel.getByText('No longer there: One').waitFor()
    assert.equal(await panel.getByRole('link', { name: 'One' }).count(), 0)
    await page.context().close()
  })

  it('marks all as read up to what it shows: what arrives meanwhile stays unread', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    for (const title of ['One', 'Two']) await host.tell('ada', title)
    const page = await openInbox(proxy.url)
    proxy.upgrades = proxy.streams = 'refuse'
    proxy.freeze()
    await host.tell('ada', 'Three')
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await expectBadge(page, '1')
    await expectText(page, states, ['unread', 'read', 'read'])
    await page.context().close()
  })

  it('knows what was visited when one comes back to it', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    const page = await openInbox(host.url)
    await row(page, 'One').getByRole('link', { name: 'One' }).click()
    await page.getByRole('heading', { level: 1, name: 'One' }).waitFor()
    await page.goBack({ waitUntil: 'commit' })
    await expectText(page, states, ['read'])
    await expectBadge(page, '')
    await expectConnection(page, 'live')
    await host.tell('ada', 'Two')
    await expectText(page, titles, ['Two', 'One'])
    await page.context().close()
  })

  it('shows what belongs to its filter, and what one reads there stays until one leaves', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'One')
    await host.tell('ada', 'Two')
    const page = await openInbox(host.url, '?filter=unread')
    await press(page, 'One', 'Mark as read')
    await expectBadge(page, '1')
    await host.tell('ada', 'Three')
    await expectText(page, titles, ['Three', 'Two', 'One'])
    const [three] = (await host.notifications.list('ada', {})).items
    await host.notifications.markAsRead('ada', three?.id ?? '')
    await expectText(page, titles, ['Two', 'One'])
    await page.context().close()
  })

  it('takes away what was read on the page of the unread when it is recalled, and only that', async () => {
    await using host = await Host.start()
    const ids = []
    for (const title of ['One', 'Two', 'Three']) ids.push((await host.tell('ada', title)).id)
    const page = await openInbox(host.url, '?filter=unread')
    for (const title of ['One', 'Two']) await press(page, title, 'Mark as read')
    await expectText(page, states, ['unread', 'read', 'read'])
    await expectBadge(page, '1')
    await host.notifications.recall(ids[0] ?? '')
    await expectText(page, titles, ['Three', 'Two'])
    await host.notifications.archive('ada', ids[1] ?? '')
    await expectText(page, titles, ['Three'])
    await page.context().close()
  })

  it('is live in a layout that shows no bell', async () => {
    const layout = ({ title, head, body }: PageParts) =>
      `<!doctype html><html lang="en"><head><title>${title}</title>${head}</head><body><main>${body}</main></body></html>`
    await using host = await Host.start({ layout })
    const page = await openInbox(host.url)
    await host.tell('ada', 'One')
    await expectText(page, titles, ['One'])
    await expectText(page, 'document.title', '(1) Notifications')
    await expectText(page, `document.querySelector('[role=status]').textContent`, 'New notification: One. 1 unread')
    await press(page, 'One', 'Mark as read')
    await expectText(page, 'document.title', 'Notifications')
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('reads again what it could not read', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    const page = await openInbox(proxy.url)
    proxy.requests = 'refuse'
    await host.tell('ada', 'One')
    await expectBadge(page, '1')
    proxy.requests = 'pass'
    await expectText(page, titles, ['One'], 10_000)
    await page.context().close()
  })

  it('shows every one of a great many that arrive at once, each once', async () => {
    await using host = await Host.start()
    await host.tell('ada', 'The first')
    const page = await openInbox(host.url)
    await Promise.all(Array.from({ length: 300 }, (_, n) => host.tell('ada', `Number ${n}`)))
    await expectText(page, `document.querySelectorAll('li[data-notification-id]').length`, 301, 15_000)
    const ids = (await rowsOf(page)).map(({ id }) => id)
    assert.equal(new Set(ids).size, 301)
    await page.context().close()
  })

  it('changes many that were chosen, a few at a time, and takes back and keeps chosen exactly those that failed', async () => {
    await using host = await Host.start()
    for (let n = 1; n <= 20; n++) await host.tell('ada', `Number ${n}`)
    const page = await openInbox(host.url)
    let underWay = 0
    let most = 0
    const refused = new Set<string>()
    for (const title of ['Number 4', 'Number 11']) refused.add((await row(page, title).getAttribute('data-notification-id')) ?? '')
    await page.route('**/read?**', async (route) => {
      most = Math.max(most, ++underWay)
      // Until then the page has asked for all that it asks for at once.
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
      underWay--
      if ([...refused].some((id) => route.request().url().includes(`/${id}/`))) await route.fulfill({ status: 503 })
      else await route.continue()
    })
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    for (let n = 1; n <= 16; n++) await page.getByRole('checkbox', { name: `Select: Number ${n}`, exact: true }).check()
    await page.getByRole('group').getByRole('button', { name: 'Mark as read' }).click()
    await expectText(page, `document.querySelector('[role=status]').textContent`, '2 could not be changed. Please try again.', 15_000)
    await expectBadge(page, '6')
    const wrong = `[...document.querySelectorAll('[data-state=unread]')].map((row) => row.querySelector('[data-slot=title]').textContent)`
    await expectText(page, wrong, ['Number 20', 'Number 19', 'Number 18', 'Number 17', 'Number 11', 'Number 4'])
    assert.ok(most <= 4, `${most} were under way at once`)
    await page.getByText('2 selected').waitFor()
    refused.clear()
    await page.getByRole('group').getByRole('button', { name: 'Mark as read' }).click()
    await expectText(page, `document.querySelector('[role=status]').textContent`, '2 changed')
    await expectBadge(page, '4')
    await page.context().close()
  })

  it('keeps what is chosen true: no box where nothing is chosen, nothing chosen that is gone', async () => {
    await using host = await Host.start()
    const ids = []
    for (const title of ['One', 'Two']) ids.push((await host.tell('ada', title)).id)
    const page = await openInbox(host.url)
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox', { name: 'Select: Two' }).check()
    await page.getByRole('group').getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await expectText(page, titles, ['Two', 'One'])
    assert.equal(await page.getByRole('checkbox').count(), 0)
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox', { name: 'Select: One' }).check()
    await page.getByText('1 selected').waitFor()
    await host.notifications.recall(ids[0] ?? '')
    await page.getByText('0 selected').waitFor()
    await page.context().close()
  })

  it('sends what was chosen though one leaves the page at once', async () => {
    await using host = await Host.start()
    for (let n = 1; n <= 15; n++) await host.tell('ada', `Number ${n}`)
    const page = await openInbox(host.url)
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    for (let n = 1; n <= 15; n++) await page.getByRole('checkbox', { name: `Select: Number ${n}`, exact: true }).check()
    await page.evaluate(`{
      [...document.querySelectorAll('.belfry-bar button')].find((button) => button.textContent === 'Mark as read').click()
      location.assign('/elsewhere')
    }`)
    await page.waitForURL('**/elsewhere')
    await eventually(
      async () => (await host.notifications.unreadCount('ada')) === 0,
      () => 'some were never sent',
    )
    await page.context().close()
  })

  it('asks for a list that it cannot have every five seconds, not more often the more has arrived meanwhile', async () => {
    await using host = await Host.start()
    const page = await openInbox(host.url)
    const asked: number[] = []
    await page.route('**/notifications?**', (route) => {
      asked.push(performance.now())
      return route.fulfill({ status: 429 })
    })
    for (let n = 1; n <= 5; n++) {
      await host.tell('ada', `Number ${n}`)
      await eventually(() => asked.length >= n, 'each is asked for', 15_000)
    }
    const before = asked.length
    await eventually(() => asked.length >= before + 2, 'it is asked for again, twice', 15_000)
    const [first = 0, second = 0] = asked.slice(before)
    assert.ok(second - first > 3000, `${second - first} ms lay between`)
    await page.unroute('**/notifications?**')
    await host.tell('ada', 'Number 6')
    await expectText(page, `document.querySelectorAll('li[data-notification-id]').length`, 6)
    await page.context().close()
  })

  it('says so where what was asked for could not be fetched, and does it when it can', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    await host.tell('ada', 'One')
    const page = await openInbox(proxy.url)
    proxy.requests = 'refuse'
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.locator('.belfry-head').getByText('That did not work.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Select', exact: true }).getAttribute('aria-pressed'), 'false')
    proxy.requests = 'pass'
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox', { name: 'Select: One' }).waitFor()
    assert.equal(await page.locator('.belfry-failed').count(), 0)
    await page.context().close()
  })
})
