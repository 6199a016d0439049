import { carries } from './carries.js'
import type { Ratio } from './contest.js'
import type { Measured, Run } from './runs.js'
import { type Judgement, type Outcome, within } from './workload.js'

/** On the console, as soon as it was measured. */
export function tell({ workload, outcome }: Measured, seconds: number): void {
  console.log(`\n${workload.title} (${workload.name}, ${seconds.toFixed(0)} s)`)
  console.log(table(outcome))
  for (const judgement of outcome.judgements)
    console.log(`  ${verdict(judgement, 'met   ', 'MISSED', '      ')} ${judgement.what}: ${inWords(judgement)}`)
}

/**
 * What the page of results says of a run, by the names of its parts.
 * @param earlier is shown beside it
 */
export function parts(run: Run, earlier?: Run): Readonly<Record<'carries' | 'results', string>> {
  return { carries: carries(run, earlier), results: [introduction(run), goals(run, earlier), ...sections(run, earlier)].join('\n\n') }
}

function introduction({ machine: { date, processor, memory, system, node, commit, load } }: Run): string {
  return `Measured on ${date} at ${commit}: ${processor}, ${memory}, ${system}, Node ${node}, loopback; load average at the end ${load}.
Medians of interleaved rounds, in brackets the least and the most of the rounds.`
}

function goals(run: Run, earlier: Run | undefined): string {
  const beside = earlier ? ` Earlier: ${earlier.machine.date} at ${earlier.machine.commit} |` : ''
  const rows = judgements(run)
    .filter(({ goal }) => goal)
    .map((judgement) => row(judgement, earlier))
  return [
    `**${met(run)} goals were met**${earlier ? `, in the earlier run ${met(earlier)}` : ''}.\n`,
    `| What | Measured | Goal | |${beside}\n| --- | --- | --- | --- |${beside && ' --- |'}`,
    ...rows,
    '\n![Cost against size](performance.svg)',
  ].join('\n')
}

function met(run: Run): string {
  const all = judgements(run).filter(({ goal }) => goal)
  return `${all.filter(({ measured, goal }) => goal && within(measured, goal)).length} of ${all.length}`
}

function sections({ measured }: Run, earlier: Run | undefined): string[] {
  return measured.map((each) => section(each, earlier))
}

function section({ workload: { title, about }, outcome }: Measured, earlier: Run | undefined): string {
  const compared = outcome.judgements.filter(({ goal }) => !goal).map((judgement) => comparison(judgement, earlier))
  return [`### ${title}`, about, table(outcome), ...(compared.length > 0 ? [compared.join('\n')] : [])].join('\n\n')
}

/** @param earlier the run that is shown beside, where there is one */
export function row(judgement: Judgement, earlier?: Run): string {
  const row = `| ${judgement.what} | ${inWords(judgement, false)} | ${goal(judgement)} | ${verdict(judgement, 'met', '**missed**', '')} |`
  if (earlier === undefined) return row
  const before = sameIn(earlier, judgement)
  return `${row} ${before ? `${inWords(before, false)}${verdict(before, ', met', ', **missed**', '')}` : '–'} |`
}

function comparison(judgement: Judgement, earlier: Run | undefined): string {
  const before = earlier && sameIn(earlier, judgement)
  return `- ${judgement.what}: ${inWords(judgement)}${before ? `, earlier ${inWords(before, false)}` : ''}`
}

function judgements({ measured }: Run): Judgement[] {
  return measured.flatMap(({ outcome }) => outcome.judgements)
}

function sameIn(run: Run, { what }: Judgement): Judgement | undefined {
  return judgements(run).find((judgement) => judgement.what === what)
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
