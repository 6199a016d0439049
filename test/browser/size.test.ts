import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const browser = fileURLToPath(new URL('../../src/browser/', import.meta.url))
const built = fileURLToPath(new URL('../../public/build/', import.meta.url))
const languages = readdirSync(browser).flatMap((name) => /^bell-(\w+)\.ts$/.exec(name)?.[1] ?? [])

/** Bytes that go over the wire: as they were built, compressed. */
function sizeOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(`${built}${file}`)).length, 0)
}

function staysWithin(what: string, files: readonly string[], limit: number): void {
  it(`${what} stays within ${limit / 1024} kB`, () => {
    const size = sizeOf(files.map((file) => `${file}.js`))
    assert.ok(size <= limit, `${what} weighs ${size} bytes`)
  })
}

describe('the weight of the browser half', () => {
  staysWithin('the headless core', ['core'], 4096)
  for (const language of ['en', ...languages]) {
    const bell = ['belfry', ...(language === 'en' ? [] : [`bell-${language}`])]
    const words = language === 'en' ? [] : [`inbox-${language}`]
    staysWithin(`a page with the bell (${language})`, bell, 8192)
    staysWithin(`the page of a notification (${language})`, [...bell, 'item'], 8192)
    staysWithin(`the page of the preferences (${language})`, [...bell, 'preferences-page'], 8192)
    staysWithin(`the inbox (${language})`, [...bell, 'inbox', ...words], 12_288)
    staysWithin(`the page of a form (${language})`, [...bell, 'compose'], 12_288)
  }
  staysWithin('a page whose panel was opened', ['belfry', 'panel'], 8192)
  staysWithin('an inbox where one is signed out', ['belfry', 'inbox', 'over'], 12_288)
  staysWithin('an inbox with everything that can be asked of it', ['belfry', 'inbox', 'inbox-extras'], 12_288)

  it('is what docs/browser.md says, within a fifth of a kB', () => {
    const page = readFileSync(new URL('../../docs/browser.md', import.meta.url), 'utf8')
    const rows: Readonly<Record<string, readonly string[]>> = {
      'the headless core': ['core'],
      'a page with the bell': ['belfry'],
      '… whose panel was opened': ['belfry', 'panel'],
      'the page of one notification': ['belfry', 'item'],
      'the inbox': ['belfry', 'inbox'],
      '… with its selection and its list of keys': ['belfry', 'inbox', 'inbox-extras'],
    }
    for (const [row, files] of Object.entries(rows)) {
      const said = new RegExp(`^\\| ${row} \\|(.*)$`, 'm').exec(page)?.[1]?.match(/[\d.]+/g) ?? []
      assert.equal(said.length, files.includes('core') ? 1 : 3, row)
      for (const [at, kB] of said.entries()) {
        const words = [[], ['bell-pl', 'inbox-pl'], ['bell-ar', 'inbox-ar']][at]?.filter((word) => files.includes('inbox') || word.startsWith('bell'))
        const size = sizeOf([...files, ...(words ?? [])].map((file) => `${file}.js`)) / 1024
        assert.ok(Math.abs(size - Number(kB)) < 0.2, `${row} weighs ${size} kB, and the page says ${kB}`)
      }
    }
  })

  it('the stylesheets stay within 6 kB', () => {
    const size = sizeOf(['belfry.css', 'app.css'])
    assert.ok(size <= 6144, `they weigh ${size} bytes`)
  })
})
