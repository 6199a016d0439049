import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { transform } from 'esbuild'

const NAMES = ['belfry', 'app'] as const

function source(name: (typeof NAMES)[number]): string {
  return readFileSync(fileURLToPath(new URL(`../../public/${name}.css`, import.meta.url)), 'utf8')
}

/** The selectors of a stylesheet, one by one; those of rules within @media among them, and an animation under its own name. */
async function selectors(name: (typeof NAMES)[number]): Promise<string[]> {
  const { code } = await transform(source(name), { loader: 'css', minify: true })
  const flat = code.replaceAll(/@keyframes ([\w-]+)\{(?:[^{}]*\{[^{}]*\})*\}/g, '.$1{}')
  return [...flat.matchAll(/(?:^|[{};])([^{};@]+)\{/g)].flatMap(([, list = '']) => list.split(/,(?![^(]*\))/))
}

describe('the stylesheets', () => {
  it('weigh at most 6 kB together, as they are served', async () => {
    const sizes = await Promise.all(NAMES.map(async (name) => gzipSync((await transform(source(name), { loader: 'css', minify: true })).code).length))
    const sum = sizes.reduce((a, b) => a + b)
    assert.ok(sum <= 6144, `they weigh ${sizes.join(' + ')} = ${sum} bytes`)
  })

  it('of the plugin touch nothing of the host’s: every rule names a part of Belfry', async () => {
    const foreign = (await selectors('belfry')).filter((selector) => selector !== ':root' && !/\.belfry-|notification-bell/.test(selector))
    assert.deepEqual(foreign, [])
    assert.ok((await selectors('belfry')).length > 50)
  })

  it('of the plugin set nothing for the whole page but its own tokens', () => {
    const root = /:root \{([^}]*)\}/.exec(source('belfry'))?.[1] ?? ''
    assert.deepEqual(
      root.split(';').filter((line) => line.trim() !== '' && !/^\s*--belfry-/.test(line)),
      [],
    )
  })

  for (const name of NAMES) {
    it(`(${name}) know no left and no right`, () => {
      const physical =
        /(?:^|[\s{;])(?:(?:(?:margin|padding|border)-)?(?:left|right)|(?:min-|max-)?(?:width|height)|text-align\s*:\s*(?:left|right))\s*[:;]/m
      assert.equal(physical.exec(source(name))?.[0], undefined)
    })
  }
})
