import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { expectBadge, expectConnection, expectText, launchBrowser, openTab, shownBy } from '../helpers/browser.js'
import { eventually } from '../helpers/eventually.js'
import { Host } from '../helpers/host.js'
import { FaultyProxy } from '../helpers/proxy.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

async function openAt(url: string, path: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options)
  const first = await context.newPage()
  await first.goto(`${url}/sign-in/ada`)
  await first.close()
  const page = await openTab(context, url + path)
  await expectConnection(page, 'live')
  return page
}

async function fill(host: Host, ...titles: string[]): Promise<void> {
  for (const title of titles) await host.tell('ada', title)
}

const focused = `document.activeElement.textContent.trim()`
const states = `[...document.querySelectorAll('li[data-notification-id]')].map((row) => row.dataset.state)`
const panelTitles = `[...document.querySelectorAll('.belfry-panel [data-slot=title]')].map((title) => title.textContent)`

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key)
}

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze()
  assert.deepEqual(
    violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
    [],
  )
}

describe('the panel', () => {
  it('opens by keyboard from a button that says so, and closes with Escape back to it', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two')
    const page = await openAt(host.url, '/')
    const control = page.getByRole('button', { name: 'Notifications, 2 unread' })
    assert.equal(await control.getAttribute('aria-expanded'), 'false')
    await control.focus()
    await press(page, 'Enter')
    await expectText(page, panelTitles, ['Two', 'One'])
    assert.equal(await control.getAttribute('aria-expanded'), 'true')
    assert.equal(
      await page.evaluate(`document.getElementById(document.querySelector('.belfry-bell').getAttribute('aria-controls')).matches('.belfry-panel')`),
      true,
    )
    await press(page, 'Tab', 'Tab')
    await expectText(page, focused, 'Unread: Two')
    await press(page, 'Tab', 'Enter')
    await expectBadge(page, '1')
    await press(page, 'Tab', 'Enter')
    await expectText(page, focused, 'Undo')
    await press(page, 'Tab')
    await expectText(page, focused, 'Unread: One')
    await press(page, 'Escape')
    await expectText(page, panelTitles, ['One'])
    await expectText(page, `document.activeElement.className`, 'belfry-bell')
    assert.equal(await control.count(), 0)
    await page.getByRole('button', { name: 'Notifications, 1 unread', expanded: false }).waitFor()
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('closes when the focus leaves it for something else on the page, forwards and backwards, and leaves it there', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two')
    const page = await openAt(host.url, '/')
    await page.evaluate(`{
      const button = (words) => Object.assign(document.createElement('button'), { textContent: words })
      document.querySelector('header').before(button('Before'))
      document.querySelector('main').append(button('After'))
    }`)
    const isOpen = `document.querySelector('.belfry-panel').matches(':popover-open')`
    for (const [key, outside] of [
      ['Tab', 'After'],
      ['Shift+Tab', 'Before'],
    ] as const) {
      await page.locator('.belfry-bell').focus()
      await press(page, 'Enter')
      await expectText(page, panelTitles, ['Two', 'One'])
      const inside = `document.querySelector('notification-bell').contains(document.activeElement)`
      while (await page.evaluate(inside)) {
        assert.equal(await page.evaluate(isOpen), true)
        await press(page, key)
      }
      assert.equal(await page.evaluate(focused), outside)
      await expectText(page, isOpen, false)
      await page.getByRole('button', { name: 'Notifications, 2 unread', expanded: false }).waitFor()
      assert.equal(await page.evaluate(focused), outside)
    }
    await page.context().close()
  })

  it('closes when the focus goes into a frame of the page, by key and by pointer', async () => {
    await using host = await Host.start()
    await fill(host, 'One')
    const page = await openAt(host.url, '/')
    // Where the panel does not lie over it.
    await page.evaluate(`{
      const frame = document.createElement('iframe')
      frame.style.cssText = 'position: fixed; inset: auto 0 0 auto'
      document.querySelector('main').append(frame)
    }`)
    const { x = 0, y = 0 } = (await page.locator('iframe').boundingBox()) ?? {}
    const inFrame = `document.activeElement.tagName === 'IFRAME'`
    const tab = async () => {
      while (!(await page.evaluate(inFrame))) await press(page, 'Tab')
    }
    for (const leave of [tab, () => page.mouse.click(x + 5, y + 5)]) {
      await page.locator('.belfry-bell').focus()
      await press(page, 'Enter')
      await expectText(page, panelTitles, ['One'])
      await page.getByRole('button', { name: 'Notifications, 1 unread', expanded: true }).waitFor()
      await leave()
      await page.getByRole('button', { name: 'Notifications, 1 unread', expanded: false }).waitFor()
      assert.equal(await page.evaluate(inFrame), true)
    }
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('stays when the window loses the focus, and when the row that has it goes', async () => {
    await using host = await Host.start()
    const { id } = await host.tell('ada', 'One')
    await fill(host, 'Two')
    const page = await openAt(host.url, '/')
    const isOpen = `document.querySelector('.belfry-panel').matches(':popover-open')`
    await page.locator('.belfry-bell').click()
    await page.locator('.belfry-panel').getByRole('link', { name: 'One' }).focus()
    // As the focus of a window goes: to nothing else on the page.
    await page.evaluate('document.activeElement.blur()')
    assert.equal(await page.evaluate(isOpen), true)
    await page.locator('.belfry-panel').getByRole('link', { name: 'One' }).focus()
    await host.notifications.recall(id)
    await expectText(page, focused, 'Unread: Two')
    assert.equal(await page.evaluate(isOpen), true)
    await page.context().close()
  })

  it('shows ten at most, takes in what arrives, and never moves what one is busy with', async () => {
    await using host = await Host.start()
    await fill(host, ...Array.from({ length: 12 }, (_, n) => `Number ${n + 1}`))
    const page = await openAt(host.url, '/')
    await page.getByRole('button', { name: 'Notifications, 12 unread' }).click()
    await expectText(page, `${panelTitles}.length`, 10)
    await fill(host, 'Number 13')
    await expectText(page, `${panelTitles}[0]`, 'Number 13')
    await expectText(page, `${panelTitles}.length`, 10)
    await page.locator('.belfry-panel').getByRole('link', { name: 'Number 12' }).focus()
    await fill(host, 'Number 14')
    await page.getByRole('button', { name: '1 new', exact: true }).waitFor()
    assert.equal(await page.evaluate(`${panelTitles}[0]`), 'Number 13')
    await page.getByRole('button', { name: '1 new', exact: true }).click()
    await expectText(page, `${panelTitles}[0]`, 'Number 14')
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await expectBadge(page, '')
    await page.context().close()
  })

  it('says when there is nothing, when it failed, and when somebody is signed out', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    const page = await openAt(proxy.url, '/')
    const panel = page.locator('.belfry-panel')
    await page.getByRole('button', { name: 'Notifications' }).click()
    await panel.getByText('Nothing here yet.').waitFor()
    await expectNoViolations(page)
    await press(page, 'Escape')
    proxy.requests = 'refuse'
    await page.getByRole('button', { name: 'Notifications' }).click()
    await panel.getByText('That did not work.').waitFor()
    await expectNoViolations(page)
    proxy.requests = 'pass'
    await panel.getByRole('button', { name: 'Try again' }).click()
    await panel.getByText('Nothing here yet.').waitFor()
    await (await page.context().newPage()).goto(`${proxy.url}/sign-out`)
    await panel.getByText('You are signed out.').waitFor()
    await panel.getByRole('link', { name: 'Sign in' }).waitFor()
    await expectNoViolations(page)
    await page.context().close()
  })

  for (const [language, words] of [
    ['en', 'No connection, trying again. What you see may be old.'],
    ['pl', 'Brak połączenia. Trwa ponawianie próby; to, co widzisz, może być nieaktualne.'],
    ['ar', 'لا يوجد اتصال. تجري إعادة المحاولة؛ قد يكون ما تراه قديمًا.'],
  ] as const) {
    it(`says that there is no connection and that it tries again, before and after it was filled, and does (${language})`, async () => {
      await using host = await Host.start()
      await fill(host, 'One')
      const page = await openAt(host.url, `/?lang=${language}`)
      const context = page.context()
      const panel = page.locator('.belfry-panel')
      for (const titles of [['One'], ['Two', 'One']]) {
        await context.setOffline(true)
        await expectConnection(page, 'offline')
        await page.locator('.belfry-bell').click()
        await panel.getByText(words).waitFor()
        if (titles.length > 1) await fill(host, 'Two')
        await expectNoViolations(page)
        await context.setOffline(false)
        await expectText(page, panelTitles, titles, 10_000)
        await panel.getByText(words).waitFor({ state: 'hidden' })
        await press(page, 'Escape')
      }
      await context.close()
    })
  }

  it('says so, too, where only its list gets no answer, and can be asked to try again', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    await fill(host, 'One')
    const page = await openAt(proxy.url, '/')
    const panel = page.locator('.belfry-panel')
    await page.locator('.belfry-bell').hover()
    await panel.locator('.belfry-list').waitFor({ state: 'attached' })
    proxy.requests = 'cut'
    await page.locator('.belfry-bell').click()
    await panel.getByText('No connection, trying again.').waitFor()
    await expectText(page, `document.querySelector('[role=status]').textContent`, 'No connection, trying again. What you see may be old.')
    proxy.requests = 'pass'
    await panel.getByRole('button', { name: 'Try again' }).click()
    await expectText(page, panelTitles, ['One'])
    await panel.getByText('No connection, trying again.').waitFor({ state: 'hidden' })
    await page.context().close()
  })

  it('leads to the inbox where what is in it could not be fetched, and is whole the next time', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    await fill(host, 'One')
    const page = await openAt(proxy.url, '/')
    const panel = page.locator('.belfry-panel')
    proxy.requests = 'refuse'
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).click()
    await panel.getByText('That did not work.').waitFor()
    await panel.getByRole('link', { name: 'See all' }).waitFor()
    await expectNoViolations(page)
    await press(page, 'Escape')
    proxy.requests = 'pass'
    await press(page, 'Enter')
    await expectText(page, panelTitles, ['One'])
    assert.equal(await panel.getByText('That did not work.').count(), 0)
    // Firefox fetches nothing again from an address that had nothing.
    const asked = proxy.asked.filter((path) => path.includes('/panel.js'))
    assert.ok(asked.length > 1 && new Set(asked).size === asked.length, asked.join())
    await page.context().close()
  })

  it('has one subscription and one panel, wherever in the page the bell is moved', async () => {
    await using host = await Host.start()
    const page = await openAt(host.url, '/')
    await page.evaluate(`{
      window.changes = 0
      document.addEventListener('belfry-change', ({ detail }) => detail.state.unread && window.changes++)
      const bell = document.querySelector('notification-bell')
      for (let n = 0; n < 5; n++) document.querySelector('main').append(bell)
    }`)
    await fill(host, 'One')
    await expectBadge(page, '1')
    assert.equal(await page.evaluate('window.changes'), 1)
    assert.equal(await host.connections(), 1)
    assert.equal(await page.locator('.belfry-panel').count(), 1)
    await page.context().close()
  })
})

describe('the inbox by keyboard', () => {
  it('goes with J and K, archives with E, marks with Shift+I and Shift+U', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two', 'Three')
    const page = await openAt(host.url, '/notifications')
    await press(page, 'j')
    await expectText(page, focused, 'Three')
    await press(page, 'j', 'j', 'k')
    await expectText(page, focused, 'Two')
    await press(page, 'Shift+I')
    await expectText(page, states, ['unread', 'read', 'unread'])
    await press(page, 'Shift+U')
    await expectText(page, states, ['unread', 'unread', 'unread'])
    await press(page, 'e')
    await expectText(page, states, ['unread', 'unread'])
    await expectText(page, focused, 'Undo')
    await press(page, 'Enter')
    await expectText(page, focused, 'Two')
    await press(page, 'k', 'Enter')
    await page.getByRole('heading', { level: 1, name: 'Three' }).waitFor()
    await page.context().close()
  })

  it('goes on from the line of what was archived, in both directions', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two', 'Three', 'Four')
    const page = await openAt(host.url, '/notifications')
    await press(page, 'j', 'j', 'j', 'e')
    await expectText(page, focused, 'Undo')
    await press(page, 'j')
    await expectText(page, focused, 'One')
    await press(page, 'k')
    await expectText(page, focused, 'Three')
    await press(page, 'e', 'k')
    await expectText(page, focused, 'Four')
    await press(page, 'j')
    await expectText(page, focused, 'One')
    await page.context().close()
  })

  it('lists the keys on ?, where one can turn them off for good', async () => {
    await using host = await Host.start()
    await fill(host, 'One')
    const page = await openAt(host.url, '/notifications')
    await press(page, '?')
    const dialog = page.getByRole('dialog', { name: 'Keyboard' })
    await dialog.waitFor()
    await dialog.getByText('Where rows are selected, keys change all of them.').waitFor()
    await expectNoViolations(page)
    await dialog.getByRole('checkbox', { name: 'Use these keys' }).uncheck()
    await dialog.getByRole('button', { name: 'Done' }).click()
    await press(page, 'j', 'e')
    assert.deepEqual(await page.evaluate(states), ['unread'])
    await page.reload()
    await expectConnection(page, 'live')
    await press(page, 'j')
    assert.notEqual(await page.evaluate(focused), 'One')
    await page.context().close()
  })

  it('does the same to several at once, and takes back only those that failed', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two', 'Three')
    const page = await openAt(host.url, '/notifications')
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox', { name: 'Select: One' }).check()
    await page.getByRole('checkbox', { name: 'Select: Three' }).check()
    await page.getByText('2 selected').waitFor()
    await expectNoViolations(page)
    await page.getByRole('group').getByRole('button', { name: 'Mark as read' }).click()
    await expectText(page, states, ['read', 'unread', 'read'])
    await expectBadge(page, '1')
    await page.getByRole('button', { name: 'Done' }).click()
    assert.equal(await page.getByRole('checkbox').count(), 0)
    await page.context().close()
  })

  it('archives with E, and marks with Shift+I and Shift+U, all that is selected, wherever the focus is', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two', 'Three', 'Four')
    const page = await openAt(host.url, '/notifications')
    await press(page, 'j', 'x')
    await page.getByText('1 selected').waitFor()
    await press(page, 'j', 'x', 'j')
    await page.getByText('2 selected').waitFor()
    await press(page, 'Shift+I')
    await expectText(page, states, ['read', 'read', 'unread', 'unread'])
    await page.getByText('0 selected').waitFor()
    await press(page, 'Shift+I')
    await expectText(page, states, ['read', 'read', 'read', 'unread'])
    await page.getByRole('checkbox', { name: 'Select: Four' }).check()
    await page.getByRole('checkbox', { name: 'Select: One' }).check()
    await press(page, 'Shift+U')
    await expectText(page, states, ['unread', 'read', 'read', 'unread'])
    await page.getByRole('checkbox', { name: 'Select: Four' }).check()
    await page.getByRole('checkbox', { name: 'Select: One' }).check()
    await press(page, 'e')
    await expectText(page, states, ['read', 'read'])
    await expectBadge(page, '')
    await page.context().close()
  })

  it('changes nothing with E of what is selected among the archived', async () => {
    await using host = await Host.start()
    await host.notifications.archive('ada', (await host.tell('ada', 'One')).id)
    const page = await openAt(host.url, '/notifications?filter=archived')
    await press(page, 'j', 'x')
    await page.getByText('1 selected').waitFor()
    await press(page, 'e', 'Shift+I')
    assert.deepEqual(await page.evaluate(states), ['archived'])
    await page.getByText('1 selected').waitFor()
    await page.context().close()
  })

  it('works whole without a mouse: from the bell to the notification and back', async () => {
    await using host = await Host.start()
    await fill(host, 'One')
    const page = await openAt(host.url, '/')
    await press(page, 'Tab', 'Enter')
    await expectText(page, panelTitles, ['One'])
    await page.getByRole('link', { name: 'See all' }).focus()
    await press(page, 'Enter')
    await page.getByRole('heading', { level: 1, name: 'Notifications' }).waitFor()
    await expectConnection(page, 'live')
    await press(page, 'j', 'Enter')
    await page.getByRole('heading', { level: 1, name: 'One' }).waitFor()
    await expectBadge(page, '')
    await page.context().close()
  })
})

describe('the focus', () => {
  const status = `document.querySelector('[role=status]').textContent`

  it('stays beside "Mark all as read" in the inbox, and one hears that nothing is unread', async () => {
    await using host = await Host.start()
    await fill(host, 'One', 'Two')
    const page = await openAt(host.url, '/notifications')
    await page.getByRole('button', { name: 'Mark all as read' }).focus()
    await press(page, 'Enter')
    await expectText(page, states, ['read', 'read'])
    await page.getByRole('button', { name: 'Mark all as read' }).waitFor({ state: 'hidden' })
    await expectText(page, focused, 'Select')
    await expectText(page, status, '0 unread')
    await page.context().close()
  })

  it('stays in the panel after "Mark all as read", after the new ones were shown, and after another try', async () => {
    await using host = await Host.start()
    await using proxy = await FaultyProxy.before(host.url)
    await fill(host, 'One')
    const page = await openAt(proxy.url, '/')
    const panel = page.locator('.belfry-panel')
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).click()
    await panel.getByRole('link', { name: 'One' }).focus()
    await fill(host, 'Two')
    await panel.getByRole('button', { name: '1 new', exact: true }).focus()
    await press(page, 'Enter')
    await expectText(page, focused, 'Unread: Two')
    await panel.getByRole('button', { name: 'Mark all as read' }).focus()
    await press(page, 'Enter')
    await panel.getByRole('button', { name: 'Mark all as read' }).waitFor({ state: 'hidden' })
    await expectText(page, focused, 'Two')
    await expectText(page, status, '0 unread')
    proxy.requests = 'refuse'
    await fill(host, 'Three')
    await panel.getByRole('button', { name: 'Try again' }).focus()
    proxy.requests = 'pass'
    await press(page, 'Enter')
    await panel.getByRole('button', { name: 'Try again' }).waitFor({ state: 'hidden' })
    await expectText(page, `document.querySelector('.belfry-panel').contains(document.activeElement)`, true)
    await page.context().close()
  })

  it('goes to what is said where the browser does not allow notifications', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.addInitScript(`{
      let permission = 'default'
      Object.defineProperty(Notification, 'permission', { get: () => permission })
      Notification.requestPermission = async () => (permission = 'denied')
    }`)
    await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
    const page = await openTab(context, `${host.url}/notifications/preferences`)
    await page.getByRole('checkbox', { name: /on the desktop/ }).click()
    await page.getByRole('button', { name: 'Continue' }).focus()
    await press(page, 'Enter')
    await expectText(page, `${focused}.split('.')[0]`, 'Your browser does not allow notifications from this site')
    await expectNoViolations(page)
    await page.context().close()
  })
})

/** What a screen reader says of the buttons with these names, in the order of the page: the name, and what it is about. */
async function described(page: Page, ...names: string[]): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  await session.detach()
  return nodes
    .filter(({ ignored, role, name }) => !ignored && role?.value === 'button' && names.includes(name?.value))
    .map(({ name, description }) => `${name?.value}: ${description?.value}`)
}

describe('for everyone', () => {
  it('buttons of rows say which row they are about, be it made by the server or by a script, and so does Undo', async () => {
    await using host = await Host.start()
    await fill(host, 'One')
    const page = await openAt(host.url, '/notifications')
    await fill(host, 'Two & more')
    await page.getByRole('link', { name: 'Two & more' }).waitFor()
    assert.deepEqual(await described(page, 'Mark as read', 'Archive'), [
      'Mark as read: Two & more',
      'Archive: Two & more',
      'Mark as read: One',
      'Archive: One',
    ])
    await press(page, 'j', 'e')
    await expectText(page, focused, 'Undo')
    assert.deepEqual(await described(page, 'Undo'), ['Undo: Two & more'])
    await page.goto(host.url)
    await expectConnection(page, 'live')
    await page.locator('.belfry-bell').click()
    await expectText(page, panelTitles, ['One'])
    assert.deepEqual(await described(page, 'Mark as read', 'Archive'), ['Mark as read: One', 'Archive: One'])
    await page.getByRole('button', { name: 'Archive' }).click()
    assert.deepEqual(await described(page, 'Undo'), ['Undo: One'])
    await expectNoViolations(page)
    await page.context().close()
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`axe finds nothing in bell, panel, inbox and preferences in ${scheme}, at 320 px and with forced colours`, async () => {
      await using host = await Host.start()
      for (const level of ['info', 'warning', 'error', 'success'] as const) {
        await host.notifications.notify({
          to: { user: 'ada' },
          title: `A ${level}`,
          body: 'Some text',
          level,
          category: 'builds',
          data: { from: 'Grace' },
        })
      }
      for (const options of [{ viewport: { width: 320, height: 640 } }, { forcedColors: 'active' as const }]) {
        const page = await openAt(host.url, '/notifications', { colorScheme: scheme, ...options })
        await expectNoViolations(page)
        await page.getByRole('button', { name: /^Notifications, / }).click()
        await expectText(page, `${panelTitles}.length`, 4)
        await expectNoViolations(page)
        assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'the page scrolls sideways')
        await page.goto(`${host.url}/notifications/preferences`)
        await expectNoViolations(page)
        await page.context().close()
      }
    })
  }

  it('speaks the language of the page, with its plurals and from right to left', async () => {
    await using host = await Host.start()
    await fill(host, 'One')
    const page = await openAt(host.url, '/?lang=pl')
    await page.getByRole('button', { name: 'Powiadomienia, 1 nieprzeczytane' }).waitFor()
    await fill(host, ...Array.from({ length: 4 }, (_, n) => `More ${n}`))
    await page.getByRole('button', { name: 'Powiadomienia, 5 nieprzeczytanych' }).click()
    await page.getByRole('button', { name: 'Oznacz wszystkie jako przeczytane' }).waitFor()
    await page.goto(`${host.url}/?lang=ar`)
    await page.getByRole('button', { name: 'الإشعارات، غير المقروءة: 5' }).click()
    await expectText(page, `${panelTitles}.length`, 5)
    assert.equal(
      await page.evaluate(`{
      const { left, right } = document.querySelector('.belfry-panel').getBoundingClientRect()
      left >= 0 && right <= innerWidth
    }`),
      true,
    )
    await expectNoViolations(page)
    assert.deepEqual((await shownBy(page)).violations, [])
    await page.context().close()
  })

  it('keeps the choices of this browser, and asks for the desktop only on a click, after saying what for', async () => {
    await using host = await Host.start()
    const context = await browser.newContext()
    await context.addInitScript(`{
      window.asked = 0
      Object.defineProperty(Notification, 'permission', { get: () => (window.asked ? 'granted' : 'default') })
      Notification.requestPermission = async () => { window.asked++; return 'granted' }
    }`)
    await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
    const page = await openTab(context, `${host.url}/notifications/preferences`)
    await page.getByRole('checkbox', { name: /on the desktop/ }).click()
    await page.getByText('Your browser will ask').waitFor()
    assert.equal(await page.evaluate('window.asked'), 0)
    await page.getByRole('button', { name: 'Continue' }).click()
    await expectText(page, 'window.asked', 1)
    await page.getByRole('checkbox', { name: /Ring softly/ }).check()
    assert.deepEqual(await page.evaluate(`JSON.parse(localStorage.getItem('belfry'))`), { desktop: true, sound: true, keys: true })
    await page.context().close()
  })

  /** Tabs of ada's, who wants to be called in both ways, and what each has done about it; nobody looks at one until told. */
  async function openCalled(host: Host): Promise<{ pages: Page[]; called(): Promise<string[]>; rung(): Promise<number> }> {
    const context = await browser.newContext()
    await context.addInitScript(`{
      localStorage.setItem('belfry', '{"desktop":true,"sound":true}')
      window.called = []
      window.said = []
      window.looking = false
      window.rung = window.asked = 0
      document.hasFocus = () => (window.asked++, window.looking)
      window.Notification = class { static permission = 'granted'; constructor(title, { body } = {}) { window.called.push(title); window.said.push(body) } }
      window.AudioContext = class extends AudioContext { constructor() { super(); window.rung++ } }
    }`)
    const pages = [await openTab(context, `${host.url}/sign-in/ada`), await openTab(context, host.url), await openTab(context, host.url)]
    for (const page of pages) await expectConnection(page, 'live')
    const all = (expression: string) => Promise.all(pages.map((page) => page.evaluate(expression)))
    return {
      pages,
      called: async () => (await all('window.called')).flat() as string[],
      rung: async () => ((await all('window.rung')) as number[]).reduce((sum, times) => sum + times, 0),
    }
  }

  it('calls on the desktop once, by the tab that leads, and only while nobody looks', async () => {
    await using host = await Host.start()
    const { pages, called } = await openCalled(host)
    const [first, second] = pages as [Page, Page]
    await host.tell('ada', 'Nobody looks')
    await eventually(
      async () => (await called()).length === 1,
      () => 'nobody was called',
    )
    await second.evaluate('window.looking = true; window.asked = 0')
    await host.tell('ada', 'Somebody looks')
    // It is one of the same burst, and told of when that is over.
    await expectText(first, `document.querySelector('[role=status]').textContent`, 'New notification: Somebody looks. 2 unread')
    await expectText(second, 'window.asked > 0', true)
    await second.evaluate('window.looking = false')
    await host.tell('ada', 'Nobody again')
    await eventually(
      async () => (await called()).length === 2,
      () => 'nobody was called again',
    )
    assert.deepEqual(await called(), ['Nobody looks', 'Nobody again'])
    await first.context().close()
  })

  it('calls and rings once where a page has several bells', async () => {
    await using host = await Host.start()
    const { pages, called, rung } = await openCalled(host)
    for (const page of pages)
      await page.evaluate(`{
        const bell = document.querySelector('notification-bell')
        document.querySelector('main').append(bell.cloneNode(true))
        window.told = 0
        new MutationObserver((writes) => { told += writes.length }).observe(document.querySelector('main notification-bell [role=status]'), { childList: true })
      }`)
    const statuses = `[told, ...document.querySelectorAll('[role=status]')].map((status) => status.textContent ?? status)`
    await host.tell('ada', 'One')
    // Told by either bell, through the last of them.
    for (const page of pages) await expectText(page, statuses, [2, '', 'New notification: One. 1 unread'])
    await eventually(
      async () => (await called()).length > 0,
      () => 'nobody was called',
    )
    await host.tell('ada', 'Two')
    // The rest of the burst is told of when it is over: whatever was to be called for the first was called by then.
    for (const page of pages) await expectText(page, statuses, [4, '', 'New notification: Two. 2 unread'])
    await eventually(
      async () => (await called()).length > 1,
      () => 'nobody was called again',
    )
    assert.deepEqual(await called(), ['One', 'Two'])
    assert.equal(await rung(), 2)
    await pages[0]?.context().close()
  })

  it('says who it is from: on the desktop, and in the panel', async () => {
    await using host = await Host.start()
    const { pages, called } = await openCalled(host)
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Your password expires', body: 'Tell me the old one.', data: { from: 'Mallory' } })
    await eventually(
      async () => (await called()).length === 1,
      () => 'nobody was called',
    )
    const said = await Promise.all(pages.map((page) => page.evaluate('window.said')))
    assert.deepEqual(said.flat(), ['Mallory\nTell me the old one.'])
    await host.tell('ada', 'From nobody')
    const page = pages[0] as Page
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await expectText(page, `[...document.querySelectorAll('.belfry-panel .belfry-actions bdi')].map((from) => from.textContent)`, ['', 'Mallory'])
    const shown = `[...document.querySelectorAll('.belfry-panel .belfry-actions bdi')].map((from) => from.checkVisibility())`
    assert.deepEqual(await page.evaluate(shown), [false, true])
    await page.context().close()
  })

  it('calls and rings at most twice for a burst: for the first, and for how many the others were', async () => {
    await using host = await Host.start()
    const { pages, called, rung } = await openCalled(host)
    for (let n = 1; n <= 6; n++) await host.tell('ada', `Number ${n}`)
    await expectText(pages[0] as Page, `document.querySelector('[role=status]').textContent`, '5 new notifications. 6 unread')
    await eventually(
      async () => (await called()).length > 1,
      () => 'nobody was told of the others',
    )
    assert.deepEqual([await called(), await rung()], [['Number 1', '5 new notifications'], 2])
    await pages[0]?.context().close()
  })
})
