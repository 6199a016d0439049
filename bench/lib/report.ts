import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Ratio } from './contest.js'
import { drawing } from './drawing.js'
import { benchFolder } from './processes.js'
import { type Judgement, type Outcome, type Workload, within } from './workload.js'

export interface Measured {
  readonly workload: Workload
  readonly outcome: Outcome
}

/** A run that is shown beside the published one. */
interface Earlier {
  readonly machine: Readonly<Record<string, string>>
  readonly measured: readonly Measured[]
}

const page = join(benchFolder, '../docs/performance.md')
const picture = join(benchFolder, '../docs/performance.svg')
const earlierResults = join(benchFolder, 'results.earlier.json')
const BEGIN = '<!-- what follows is written by `npm run bench -- --publish` -->'
const END = '<!-- what precedes is written by `npm run bench -- --publish` -->'

/** Where and when it was measured. */
export function machine(): Readonly<Record<string, string>> {
  const [first] = cpus()
  return {
    processor: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `Linux ${release().split('-')[0]}`,
    node: process.version,
    commit: commit(),
    load: loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    date: new Date().toISOString().slice(0, 10),
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: benchFolder, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

/** On the console, as soon as it was measured. */
export function tell({ workload, outcome }: Measured, seconds: number): void {
  console.log(`\n${workload.title} (${workload.name}, ${seconds.toFixed(0)} s)`)
  console.log(table(outcome))
  for (const judgement of outcome.judgements)
    console.log(`  ${verdict(judgement, 'met   ', 'MISSED', '      ')} ${judgement.what}: ${inWords(judgement)}`)
}

/** Writes the tables into the page between the two marks, and the picture beside it. */
export function publish(measured: readonly Measured[], where: Readonly<Record<string, string>>): void {
  const text = existsSync(page) ? readFileSync(page, 'utf8') : `# Performance\n\n${BEGIN}\n${END}\n`
  const [before = '', rest = ''] = text.split(BEGIN)
  const after = rest.split(END)[1] ?? ''
  const plots = measured.flatMap(({ outcome }) => outcome.plots ?? [])
  writeFileSync(page, `${before}${BEGIN}\n\n${markdown(measured, where)}\n${END}${after}`)
  if (plots.length > 0) writeFileSync(picture, drawing(plots))
}

function markdown(measured: readonly Measured[], { date, processor, memory, system, node, commit, load }: Readonly<Record<string, string>>): string {
  const earlier = existsSync(earlierResults) ? (JSON.parse(readFileSync(earlierResults, 'utf8')) as Earlier) : undefined
  const beside = earlier ? ` Earlier: ${earlier.machine.date} at ${earlier.machine.commit} |` : ''
  return [
    `Measured on ${date} at ${commit}: ${processor}, ${memory}, ${system}, Node ${node}, loopback; load average at the end ${load}.`,
    'Medians of interleaved rounds, in brackets the least and the most of the rounds.\n',
    `| What | Measured | Goal | |${beside}\n| --- | --- | --- | --- |${beside && ' --- |'}`,
    ...measured.flatMap(({ outcome }) => outcome.judgements.map((judgement) => row(judgement, earlier?.measured))),
    '\n![Cost against size](performance.svg)\n',
    ...measured.map(section),
  ].join('\n')
}

export function section({ workload: { title, about }, outcome }: Measured): string {
  return `### ${title}\n\n${about}\n\n${table(outcome)}\n`
}

/** @param earlier what was measured in the run that is shown beside, where there is one */
export function row(judgement: Judgement, earlier?: readonly Measured[]): string {
  const row = `| ${judgement.what} | ${inWords(judgement, false)} | ${goal(judgement)} | ${verdict(judgement, 'met', '**missed**', '')} |`
  if (earlier === undefined) return row
  const before = earlier.flatMap(({ outcome }) => outcome.judgements).find(({ what }) => what === judgement.what)
  return `${row} ${before ? `${inWords(before, false)}${verdict(before, ', met', ', **missed**', '')}` : '–'} |`
}

function verdict({ measured, goal }: Judgement, met: string, missed: string, none: string): string {
  if (goal === undefined) return none
  return within(measured, goal) ? met : missed
}

function inWords(judgement: Judgement, withGoal = true): string {
  const unit = judgement.unit === '×' ? '×' : ` ${judgement.unit}`
  return `${spread(judgement.measured)}${unit}${withGoal && judgement.goal ? `, goal ${goal(judgement)}` : ''}`
}

function goal({ goal, unit }: Judgement): string {
  if (goal === undefined) return '–'
  const [sign, bound] = 'atMost' in goal ? ['≤', goal.atMost] : ['≥', goal.atLeast]
  return `${sign} ${bound.toLocaleString('en')}${unit === '×' ? '×' : ` ${unit}`}`
}

function table({ results, columns }: Outcome): string {
  const names = Object.keys(results.samples)
  const shown = columns.filter(({ measure }) => names.some((name) => results.values(name, measure).length > 0))
  return [
    `| | ${shown.map(({ title }) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(shown.length)}`,
    ...names.map((name) => `| ${name} | ${shown.map(({ measure }) => spread(results.spread(name, measure))).join(' | ')} |`),
  ].join('\n')
}

function spread({ value, low, high }: Ratio): string {
  if (!Number.isFinite(value)) return '–'
  return low === high ? number(value) : `${number(value)} (${number(low)}–${number(high)})`
}

/** Three digits that count. */
function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}
