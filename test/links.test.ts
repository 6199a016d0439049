import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('the documentation', () => {
  for (const page of pages()) {
    it(`${page} leads to pages and headings that are there`, () => {
      const lost = linksOf(page).filter((link) => {
        const [path = '', heading] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        return !existsSync(join(root, target)) || (heading !== undefined && !headingsOf(target).includes(heading))
      })
      assert.deepEqual(lost, [])
    })
  }
})

function pages(): string[] {
  const inside = (folder: string) => readdirSync(join(root, folder), { encoding: 'utf8' }).map((name) => join(folder, name))
  return [...inside('.'), ...inside('docs'), ...inside('docs/decisions'), 'examples/README.md'].filter((name) => name.endsWith('.md'))
}

function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** Those that lead to something of this repository. */
function linksOf(page: string): string[] {
  return [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link))
}

/** As links name them. */
function headingsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}
