import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messages as barArabic } from '../../src/browser/bell-ar.js'
import { messages as barPolish } from '../../src/browser/bell-pl.js'
import { english as barEnglish } from '../../src/browser/messages.js'
import { english, type Words } from '../../src/notifications/http/words.js'
import { arabic } from '../../src/notifications/http/words-ar.js'
import { polish } from '../../src/notifications/http/words-pl.js'
import type { NotificationsOptions } from '../../src/notifications/index.js'
import { Host } from '../helpers/embedded.js'

const LEVELS = ['info', 'success', 'warning', 'error'] as const

/** Everything that somebody reads or hears, without what stands in tags; and names, which stand in them. */
function said(html: string): string {
  const names = [...html.matchAll(/aria-label="([^"]*)"/g)].map(([, name]) => name)
  return [html.replace(/<(script|style)[^>]*>.*?<\/\1>/gs, '').replace(/<[^>]+>/g, '\n'), ...names].join('\n')
}

function allStrings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'function') return allStrings(value(3, '%'))
  return typeof value === 'object' && value !== null && !(value instanceof Intl.DateTimeFormat) ? Object.values(value).flatMap(allStrings) : []
}

/** What English words have to be looked for; tags of languages and directions are none, nor what is the same elsewhere. */
function englishIn(text: string, { lang, dir, ...words }: Words): string[] {
  const others = new Set(allStrings(words))
  const { lang: _lang, dir: _dir, ...ours } = english
  const sought = [...new Set(allStrings(ours))].filter((words) => /[a-z]/i.test(words) && !others.has(words))
  return sought.filter((words) =>
    new RegExp(`(?<!\\p{L})${words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('%', '.*?')}(?!\\p{L})`, 'u').test(text),
  )
}

async function everyPage(language: NotificationsOptions['language'], words: string): Promise<Map<string, string>> {
  await using host = await Host.start({ language })
  const ada = await host.enter('ada')
  const ids: string[] = []
  for (const level of LEVELS) {
    const more = {
      title: words,
      category: words,
      data: { from: words },
      url: ids.length > 0 ? '/1' : 'https://przyklad.pl',
      expiresAt: new Date(Date.now() + 1e8),
    }
    ids.push((await host.notifications.notify({ to: { user: 'ada' }, level, ...more })).id)
  }
  await host.notifications.markAsRead('ada', ids[1] ?? '')
  const { items } = await host.notifications.list('ada')
  const paths = [
    '',
    `?category=${encodeURIComponent(words)}`,
    '?filter=archived',
    '?filter=unread',
    '?limit=2',
    `?before=${items[1]?.cursor}`,
    `?before=${items[3]?.cursor}`,
  ]
  paths.push(...ids.map((id) => `/${id}`), '/preferences', '/missing', '?filter=odd')
  const pages = new Map<string, string>()
  for (const path of paths) pages.set(path, (await ada.get(`/notifications${path}`).set('Accept', 'text/html')).text)
  pages.set('a page of the host’s', (await ada.get('/page')).text)
  pages.set('signed out', (await host.anybody.get('/notifications').set('Accept', 'text/html')).text)
  return pages
}

describe('a host that says its language', () => {
  for (const { words, language } of [
    { words: polish, language: 'pl' },
    { words: arabic, language: 'ar-EG' },
  ]) {
    it(`has no English word on any of our pages: ${language}`, async () => {
      const pages = await everyPage(language, words.bell)
      for (const [path, html] of pages) {
        assert.deepEqual(englishIn(said(html), words), [], path)
        assert.doesNotMatch(html.replace(/<html lang="en"/, ''), /lang="en"/, path)
        if (path !== 'a page of the host’s') assert.match(html, new RegExp(`<html lang="${words.lang}" dir="${words.dir}">`), path)
        assert.doesNotMatch(html, words.dir === 'rtl' ? /dir="ltr"/ : /dir="rtl"/, path)
      }
      const html = [...pages.values()].join('')
      assert.ok(html.includes(words.empty.older.title), 'below the last one')
      assert.match(html, new RegExp(`\\d{4}${words.comma}\\d\\d:\\d\\d UTC`), 'on the page of one')
    })
  }

  it('that is English, or says none, has them in English', async () => {
    for (const language of ['en-GB', undefined]) {
      const html = (await everyPage(language, 'Hello')).get('') ?? ''
      assert.match(html, /<html lang="en" dir="ltr">/)
      assert.ok(englishIn(said(html), polish).length > 10)
    }
  })

  it('has the plural that a count asks for', async () => {
    await using host = await Host.start({ language: 'pl' })
    const ada = await host.enter('ada')
    const name = async () => /<a class="belfry-bell"[^>]* aria-label="([^"]*)"/.exec((await ada.get('/page')).text)?.[1]
    assert.equal(await name(), 'Powiadomienia')
    const names: unknown[] = []
    for (let unread = 1; unread <= 22; unread++) {
      await host.notifications.notify({ to: { user: 'ada' }, title: 'Cześć' })
      if ([1, 3, 5, 12, 22].includes(unread)) names.push(await name())
    }
    assert.deepEqual(names, [
      'Powiadomienia, 1 nieprzeczytane',
      'Powiadomienia, 3 nieprzeczytane',
      'Powiadomienia, 5 nieprzeczytanych',
      'Powiadomienia, 12 nieprzeczytanych',
      'Powiadomienia, 22 nieprzeczytane',
    ])
  })

  it('may say another one for each request, and English where there are no words in it', async () => {
    await using host = await Host.start({ language: (req) => req.acceptsLanguages('en', 'pl', 'ar', 'de') })
    const ada = await host.enter('ada')
    const { createdAt } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    for (const [accepted, { lang, day }] of [
      ['pl', polish],
      ['ar;q=0.5, pl;q=0.2', arabic],
      ['de', english],
      ['ja', english],
    ] as const) {
      const { text } = await ada.get('/notifications').set('Accept', 'text/html').set('Accept-Language', accepted)
      assert.match(text, new RegExp(`<html lang="${lang}"`), accepted)
      assert.ok(text.includes(day.format(new Date(createdAt))), accepted)
      assert.match((await ada.get('/page').set('Accept-Language', accepted)).text, new RegExp(`class="belfry-bell"[^>]* lang="${lang}"`), accepted)
    }
  })

  it('may come to know the language of a request behind the middleware', async () => {
    await using host = await Host.start({ language: ({ route }) => (route === undefined ? 'pl' : 'ar') })
    const ada = await host.enter('ada')
    for (const path of ['/page', '/latest']) assert.match((await ada.get(path)).text, /class="belfry-(bell|empty)"[^>]* lang="ar"/, path)
  })

  it('is told at the start where there are no words in it', async () => {
    for (const language of ['de', 'polish', '', 7 as unknown as string]) {
      await assert.rejects(Host.start({ language }), { name: 'OptionError', message: /^The option language must be en, pl or ar, or a function/ })
    }
  })
})

it('what both the pages and the script say, they say alike', () => {
  for (const [words, script] of [
    [english, barEnglish],
    [polish, barPolish],
    [arabic, barArabic],
  ] as const) {
    assert.deepEqual(
      [words.bell, words.readAll, words.unreadMark, words.actions.read, words.actions.archive],
      [script.bell, script.readAll, script.unreadMark, script.read, script.archive],
    )
  }
})
