import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import type { PageParts } from '../../src/notifications/options.js'
import { expectConnection, expectText, launchBrowser } from '../helpers/browser.js'
import { Host } from '../helpers/host.js'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

const ARABIC = 'مرحبا بكم'

/** A host whose pages are Arabic. */
const layout = ({ title, head, body, res }: PageParts) =>
  `<!doctype html><html lang="ar" dir="rtl"><head><meta name="viewport" content="width=device-width"><title>${title}</title>${head}</head><body><header>${res.locals.notifications.bell()}</header><main>${body}</main></body></html>`

/** Texts and names whose letters are not those of the language that they are said to be in. */
const MISTAKEN = `(() => {
  const languageOf = (element) => element.closest('[lang]').lang
  const wrong = (words, element) => (/[a-z]/i.test(words) && languageOf(element) !== 'en') || (/[؀-ۿ]/.test(words) && languageOf(element) !== 'ar')
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode
    if (!parentElement.closest('script, style') && wrong(data, parentElement)) found.push(data.trim())
  }
  for (const element of document.querySelectorAll('body [aria-label]')) if (wrong(element.ariaLabel, element)) found.push('named ' + element.ariaLabel)
  return found
})()`

async function open(host: Host, path: string, javaScriptEnabled: boolean): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled })
  await context.request.get(`${host.url}/sign-in/ada`)
  const page = await context.newPage()
  await page.goto(host.url + path)
  if (javaScriptEnabled) await expectConnection(page, 'live')
  return page
}

async function hostWithInbox(language?: string): Promise<{ host: Host; paths: readonly string[] }> {
  const host = await Host.start({ layout, language })
  const more = { title: ARABIC, body: ARABIC, category: ARABIC, data: { from: ARABIC }, url: '/1', expiresAt: new Date(Date.now() + 86_400_000) }
  const ids: string[] = []
  for (const level of ['info', 'success', 'warning', 'error'] as const) {
    ids.push((await host.notifications.notify({ to: { user: 'ada' }, ...more, level })).id)
  }
  await host.notifications.markAsRead('ada', ids[1] ?? '')
  const { items } = await host.notifications.list('ada')
  const category = `category=${encodeURIComponent(ARABIC)}`
  const queries = ['', `?${category}`, '?filter=archived', `?before=${items[1]?.cursor}`].map((query) => `/notifications${query}`)
  return { host, paths: [...queries, `/notifications/${ids[3]}`, '/notifications/preferences', '/notifications/missing'] }
}

describe('on an Arabic page, what is English is said to be', () => {
  it('everywhere without JavaScript', async () => {
    const { host, paths } = await hostWithInbox()
    await using _ = host
    for (const path of paths) {
      const page = await open(host, path, false)
      assert.deepEqual(await page.evaluate(MISTAKEN), [], path)
      await page.context().close()
    }
  })

  it('everywhere with it, and what the script says in Arabic is not', async () => {
    const { host, paths } = await hostWithInbox()
    await using _ = host
    for (const path of paths) {
      const page = await open(host, path, true)
      assert.deepEqual(await page.evaluate(MISTAKEN), [], path)
      const { violations } = await new AxeBuilder({ page }).withRules(['valid-lang', 'html-has-lang', 'landmark-unique']).analyze()
      assert.deepEqual(violations, [])
      await page.context().close()
    }
    const page = await open(host, '/notifications', true)
    await host.notifications.notify({ to: { user: 'ada' }, title: ARABIC, level: 'warning' })
    const titles = `document.querySelectorAll('[data-notification-id]').length`
    await expectText(page, titles, 5)
    await page.locator('[data-notification-id]').first().hover()
    await page.getByRole('button', { name: 'Mark as read' }).first().click()
    await page.getByRole('button', { name: 'Mark as unread' }).first().click()
    await page.getByRole('button', { name: 'Archive' }).nth(1).click()
    await expectText(page, titles, 4)
    await page.locator('.belfry-bell').click()
    await page.locator('.belfry-panel [data-id]').first().waitFor()
    assert.deepEqual(await page.evaluate(MISTAKEN), [])
    await page.context().close()
  })

  it('where it was English before one signed out, too', async () => {
    const { host } = await hostWithInbox()
    await using _ = host
    const page = await open(host, '/notifications/preferences', true)
    await page.context().request.get(`${host.url}/sign-out`)
    await page.getByRole('heading', { name: 'تم تسجيل خروجك.' }).waitFor()
    assert.deepEqual(await page.evaluate(MISTAKEN), [])
    assert.equal(await page.evaluate(`getComputedStyle(document.querySelector('.belfry-page')).direction`), 'rtl')
    await page.context().close()
  })
})

describe('where the host says that it is Arabic', () => {
  /** Letters of ours: neither addresses nor the name of the zone. */
  const ENGLISH = `(() => {
    const parts = [...document.querySelectorAll('body [lang=en]')].map((part) => 'said to be: ' + part.textContent)
    const names = [...document.querySelectorAll('body [aria-label]')].map((part) => part.ariaLabel)
    const words = document.querySelector('body').innerText.replace(/\\bUTC\\b/g, '')
    return [...parts, ...names.concat(words).join('\\n').match(/[a-z]{3,}.*/gi) ?? []]
  })()`
  const WORDS = `[...document.querySelectorAll('h1, .belfry-filters a, [data-belfry-action] button, .belfry-bell, [data-slot=level], [data-slot=state], [data-belfry-read-all]')]
    .map((part) => part.ariaLabel ?? part.textContent.trim())`

  it('there is no English on our pages, with JavaScript or without, and the script changes no word of the server’s', async () => {
    const { host, paths } = await hostWithInbox('ar')
    await using _ = host
    for (const path of paths) {
      const [plain, lively] = [await open(host, path, false), await open(host, path, true)]
      for (const page of [plain, lively]) assert.deepEqual(await page.evaluate(ENGLISH), [], path)
      // Of what is read by being opened both say so only after the first of them was.
      await plain.reload()
      assert.deepEqual(await lively.evaluate(WORDS), await plain.evaluate(WORDS), path)
      for (const page of [plain, lively]) await page.context().close()
    }
  })
})

describe('where words are longer', () => {
  it('what one can do in the panel ends at the same edge in every row', async () => {
    await using host = await Host.start({ language: 'pl' })
    const { id } = await host.tell('ada', 'Jeden')
    await host.tell('ada', 'Dwa')
    await host.notifications.markAsRead('ada', id)
    for (const width of [320, 375, 1100]) {
      const page = await open(host, '/notifications', true)
      await page.setViewportSize({ width, height: 700 })
      await page.locator('.belfry-bell').click()
      await page.locator('.belfry-panel [data-id]').first().waitFor()
      const ends = `[...new Set([...document.querySelectorAll('.belfry-panel .belfry-archive')].map((button) => button.getBoundingClientRect().right))].length`
      assert.equal(await page.evaluate(ends), 1, `${width} px wide`)
      await page.context().close()
    }
  })
})
