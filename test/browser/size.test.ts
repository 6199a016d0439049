import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Bytes that go over the wire: minified and compressed, as they are served. */
async function sizeOf(...names: string[]): Promise<number> {
  const entryPoints = names.map((name) => fileURLToPath(new URL(`../../src/browser/${name}.ts`, import.meta.url)))
  const { outputFiles } = await build({ entryPoints, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, outdir: 'out' })
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0)
}

describe('the weight of the browser half', () => {
  for (const [what, files, limit] of [
    ['the headless core', ['core'], 4096],
    ['a page with the bell', ['belfry'], 8192],
    ['the inbox', ['belfry', 'inbox'], 12_288],
    ['the page of a form', ['belfry', 'compose'], 12_288],
    ['a catalogue', ['messages-ar'], 1024],
  ] as const) {
    it(`${what} stays within ${limit / 1024} kB`, async () => {
      const size = await sizeOf(...files)
      assert.ok(size <= limit, `${what} weighs ${size} bytes`)
    })
  }

  it('the stylesheets stay within 6 kB', async () => {
    const entryPoints = ['belfry', 'app'].map((name) => fileURLToPath(new URL(`../../public/${name}.css`, import.meta.url)))
    const { outputFiles } = await build({ entryPoints, minify: true, write: false, outdir: 'out' })
    const size = outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0)
    assert.ok(size <= 6144, `they weigh ${size} bytes`)
  })
})
