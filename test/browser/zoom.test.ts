import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectConnection, expectText, launchBrowser, openTab } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Ada's inbox with long and short ones of each level. */
async function openInbox(host: Host, options: BrowserContextOptions, watch?: string): Promise<Page> {
  for (const level of ['info', 'success', 'warning', 'error'] as const) {
    const long = level === 'error' ? 'w'.repeat(200) : `A ${level}`
    await host.notifications.notify({ to: { user: 'ada' }, title: long, body: long, level, category: `about-${level}`, data: { from: long } })
  }
  const context = await browser.newContext(options)
  if (watch !== undefined) await context.addInitScript(watch)
  await (await context.newPage()).goto(`${host.url}/sign-in/ada`)
  const page = await openTab(context, `${host.url}/notifications`)
  await expectConnection(page, 'live')
  return page
}

/** What goes beyond the window sideways, and what gets the focus below something else or out of sight. */
const TROUBLES = `(() => {
  const name = (element) => element.outerHTML.slice(0, 120)
  const scope = document.querySelector('dialog[open], :popover-open') ?? document
  const wide = [...scope.querySelectorAll('*')].filter((element) => {
    const { left, right, width } = element.getBoundingClientRect()
    return width > 1 && element.checkVisibility() && (left < -1 || right > innerWidth + 1)
  })
  const controls = [...scope.querySelectorAll('a[href], :is(button, input, select, textarea):enabled')].filter((element) => element.checkVisibility())
  const hidden = controls.filter((element) => {
    element.focus()
    const { left, right, top, bottom } = element.getBoundingClientRect()
    const seen = document.elementFromPoint((left + right) / 2, (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2)
    return document.activeElement !== element || !(seen && (element.contains(seen) || seen.contains(element)))
  })
  return [
    document.documentElement.scrollWidth > innerWidth ? 'the page scrolls sideways' : '',
    ...wide.map((element) => 'too wide: ' + name(element)),
    ...hidden.map((element) => 'not to be seen: ' + name(element)),
    controls.length === 0 ? 'nothing to reach' : '',
  ].filter(Boolean)
})()`

describe('at 400 % zoom', () => {
  it('everything of the inbox, its selection, its keys, the panel and the other pages is reached, and nothing scrolls sideways', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 })
    const expectRoom = async (where: string) => assert.deepEqual(await page.evaluate(TROUBLES), [], where)
    await expectRoom('inbox')
    await page.getByRole('button', { name: 'Select', exact: true }).click()
    await page.getByRole('checkbox').first().check()
    await expectRoom('selection')
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Keyboard' }).click()
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    await expectRoom('keys')
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await expectText(page, `document.querySelectorAll('.belfry-panel [data-id]').length`, 4)
    await expectRoom('panel')
    await page.keyboard.press('Escape')
    await page.locator('[data-slot-link]').first().click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await expectRoom('one notification')
    await page.goto(`${host.url}/notifications/preferences`)
    await page.getByRole('checkbox').first().waitFor()
    await expectRoom('preferences')
    await page.context().close()
  })
})

describe('in a narrow window', () => {
  const polish = ({ title, head, body }: PageParts) =>
    `<!doctype html><html lang="pl"><head><meta name="viewport" content="width=device-width"><title>${title}</title>${head}</head><body><main>${body}</main></body></html>`

  for (const [language, select, layout] of [
    ['English', 'Select', undefined],
    ['Polish', 'Zaznacz', polish],
  ] as const) {
    it(`the bar of the selection covers nothing that has the focus (${language})`, async () => {
      await using host = await Host.start(layout ? { layout } : {})
      for (let n = 1; n <= 8; n++) await host.tell('ada', `Number ${n}`)
      const page = await openInbox(host, { viewport: { width: 320, height: 640 } })
      await page.getByRole('button', { name: select, exact: true }).click()
      await page.getByRole('checkbox').first().check()
      assert.deepEqual(await page.evaluate(TROUBLES), [])
      await page.context().close()
    })
  }

  it('the panel stays within it when it is turned or resized, wherever the page was scrolled to', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 1000, height: 600 } })
    await page.getByRole('button', { name: /^Notifications, / }).click()
    const outside = `(() => {
      const { left, right, top, bottom } = document.querySelector('.belfry-panel').getBoundingClientRect()
      return left < 0 || right > innerWidth || top < 0 || bottom > innerHeight
    })()`
    for (const [width, height, scrolled] of [
      [375, 700, 0],
      [700, 375, 200],
      [320, 640, 400],
    ] as const) {
      await page.evaluate(`scrollTo(0, ${scrolled})`)
      await page.setViewportSize({ width, height })
      await expectText(page, 'innerWidth', width)
      await expectText(page, outside, false)
    }
    await page.context().close()
  })

  it('words of the panel are not broken: in Polish, and in English with wider spacing', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 375, height: 700 } })
    const lines = `(() => {
      for (const part of document.querySelectorAll('.belfry-panel *')) Object.assign(part.style, window.spacing)
      return [...document.querySelectorAll('.belfry-panel h2, .belfry-panel time')]
        .map((words) => Math.round(words.getBoundingClientRect().height / parseFloat(getComputedStyle(words).lineHeight)))
    })()`
    await page.goto(`${host.url}/?lang=pl`)
    await page.getByRole('button', { name: /^Powiadomienia, / }).click()
    await page.getByRole('button', { name: 'Oznacz wszystkie jako przeczytane' }).waitFor()
    await expectText(page, lines, [1, 1, 1, 1, 1])
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(host.url)
    await page.evaluate(`window.spacing = { lineHeight: '1.5', letterSpacing: '0.12em', wordSpacing: '0.16em' }`)
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await page.getByRole('button', { name: 'Mark all as read' }).waitFor()
    await expectText(page, lines, [1, 1, 1, 1, 1])
    await page.context().close()
  })

  it('boxes of the preferences stand beside their words, and the links below the inbox are large enough to hit', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 320, height: 640 } })
    await page.getByRole('button', { name: 'Keyboard' }).waitFor()
    assert.deepEqual(
      await page.evaluate(`[...document.querySelectorAll('.belfry-foot > *')].map((target) => target.getBoundingClientRect().height >= 24)`),
      [true, true],
    )
    await page.goto(`${host.url}/notifications/preferences`)
    await page.getByRole('checkbox').first().waitFor()
    const beside = `[...document.querySelectorAll('.belfry-choices label')].map((label) => {
      const words = document.createRange()
      words.selectNodeContents(label.lastChild)
      const box = label.querySelector('input').getBoundingClientRect()
      const { left, top, bottom } = words.getBoundingClientRect()
      return left >= box.right && top < box.bottom && bottom > box.top
    })`
    assert.deepEqual(await page.evaluate(beside), [true, true, true])
    await page.context().close()
  })

  it('the mark of the focus is whole around the bell, where the page has no frame of the host', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 320, height: 640 } })
    await page.getByRole('button', { name: /^Notifications, / }).focus()
    const { y } = (await page.locator('.belfry-bell').boundingBox()) ?? { y: 0 }
    assert.ok(y >= 4, `it begins ${y} px below the top, and the mark is 4 px larger`)
    await page.context().close()
  })

  it('choices of the preferences stand apart, their boxes are as large as the letters, and what comes next is the main button', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { viewport: { width: 320, height: 640 } })
    await page.addInitScript(`Object.defineProperty(Notification, 'permission', { value: 'default' })`)
    await page.goto(`${host.url}/notifications/preferences`)
    await page.getByRole('checkbox').first().check()
    const gaps = `(() => {
      const choices = [...document.querySelectorAll('.belfry-choices label')].map((label) => label.getBoundingClientRect())
      return choices.slice(1).map(({ top }, n) => top - choices[n].bottom >= 8)
    })()`
    assert.deepEqual(await page.evaluate(gaps), [true, true])
    const [ask, listen] = await page.evaluate<string[]>(
      `['ask', 'try'].map((name) => getComputedStyle(document.querySelector('[name=' + name + ']')).backgroundColor)`,
    )
    assert.notEqual(ask, listen)
    await page.evaluate(`document.documentElement.style.fontSize = '200%'`)
    assert.equal((await page.getByRole('checkbox').first().boundingBox())?.height, 40)
    await page.context().close()
  })
})

describe('with reduced motion', () => {
  /** What waits for the script to write times anew hides them for a moment, and moves nothing. */
  const MOVED = `
    window.moved = []
    for (const type of ['animationstart', 'transitionrun']) {
      document.addEventListener(type, (event) => {
        if (event.animationName !== 'belfry-wait') window.moved.push(event.target.className + ' ' + (event.animationName ?? event.propertyName))
      }, true)
    }
  `

  async function moveAbout(page: Page, host: Host): Promise<string[]> {
    await host.tell('ada', 'Another')
    const row = page.locator('li[data-notification-id]', { hasText: 'Another' })
    await row.hover()
    await expectText(page, `getComputedStyle(document.querySelector('li[data-notification-id] .belfry-actions')).opacity`, '1')
    await row.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: /^Notifications, / }).click()
    await expectText(page, `document.querySelectorAll('.belfry-panel [data-id]').length`, 5)
    await page.keyboard.press('Escape')
    await expectText(page, 'document.getAnimations().length', 0)
    return page.evaluate('window.moved')
  }

  it('nothing moves by itself', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { reducedMotion: 'reduce' }, MOVED)
    assert.deepEqual(await moveAbout(page, host), [])
    await page.context().close()
  })

  it('and what else fades in does so only without it', async () => {
    await using host = await Host.start()
    const page = await openInbox(host, { reducedMotion: 'no-preference' }, MOVED)
    assert.notDeepEqual(await moveAbout(page, host), [])
    await page.context().close()
  })
})
