import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawing } from './drawing.js'
import { benchFolder } from './processes.js'
import { parts } from './report.js'
import type { Run } from './runs.js'

const page = join(benchFolder, '../docs/performance.md')
const picture = join(benchFolder, '../docs/performance.svg')

/** Writes each part of the page between its marks, and the picture beside the page. */
export function publish(run: Run, earlier?: Run): void {
  const text = Object.entries(parts(run, earlier)).reduce((text, [name, part]) => put(text, name, part), readFileSync(page, 'utf8'))
  writeFileSync(page, text)
  const plots = run.measured.flatMap(({ outcome }) => outcome.plots ?? [])
  if (plots.length > 0) writeFileSync(picture, drawing(plots))
}

function put(text: string, name: string, part: string): string {
  const [begin, end] = [`<!-- ${name}: written by \`npm run bench -- --publish\` -->`, `<!-- end of ${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${page} has no place for ${name}: put '${begin}' and '${end}' where it belongs.`)
  return `${text.slice(0, from)}${begin}\n\n${part}\n\n${text.slice(to)}`
}
