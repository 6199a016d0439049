import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './installed.js'

/** A piece of code in a page of the documentation. */
export interface Block {
  readonly language: string
  /** The name of the file that it is, where it has one. */
  readonly name: string
  readonly code: string
}

/** All pieces of code of a page of the documentation, in their order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(repository, 'docs', page), 'utf8')
  return [...text.matchAll(/^```(\w*)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language = '', name = '', code = '']) => ({ language, name, code }))
}

/** The first piece that contains a text. */
export function blockWith(page: string, part: string): string {
  const found = blocksOf(page).find(({ code }) => code.includes(part))
  if (found === undefined) throw new Error(`${page} has no code with ${part}`)
  return found.code
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<unknown>

/** Runs a piece of code that is no module, with what the text around it takes for granted. */
export function runBlock(code: string, given: Readonly<Record<string, unknown>>): Promise<unknown> {
  return new AsyncFunction(...Object.keys(given), code)(...Object.values(given))
}
