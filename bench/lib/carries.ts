import type { Run } from './runs.js'

/** A line of the table for operators: what one process of Belfry was seen to carry. */
interface Line {
  readonly what: string
  readonly workload: string
  readonly contestant: string
  readonly measure: string
  readonly unit: string
}

const lines: readonly Line[] = [
  { what: '19,000 idle connections, resident memory of the process', workload: 'idle', contestant: 'belfry, 19,000', measure: 'total', unit: 'MB' },
  { what: 'A message to 10,000 open sockets, until the last has it', workload: 'broadcast', contestant: 'belfry', measure: 'last', unit: 'ms' },
  { what: 'The same while a request a millisecond comes in', workload: 'neighbours', contestant: 'belfry', measure: 'last', unit: 'ms' },
  { what: 'Of those requests 99 in 100 are answered within', workload: 'neighbours', contestant: 'belfry', measure: 'p99', unit: 'ms' },
  { what: '10,000 come back at once, until all are connected', workload: 'comeback', contestant: 'belfry', measure: 'seconds', unit: 's' },
  { what: 'Meanwhile 99 in 100 requests are answered within', workload: 'comeback', contestant: 'belfry', measure: 'p99', unit: 'ms' },
  { what: 'Notifications in process, stored and told', workload: 'notify', contestant: 'belfry', measure: 'rate', unit: 'a second' },
  { what: 'Notifications through a route of Express', workload: 'post', contestant: 'belfry', measure: 'rate', unit: 'a second' },
  { what: 'Polls ahead of the app', workload: 'poll', contestant: 'belfry', measure: 'rate', unit: 'a second' },
  { what: 'Polls through the router', workload: 'poll', contestant: 'belfry, router', measure: 'rate', unit: 'a second' },
]

/**
 * What one machine carries, each line measured by itself.
 * @param earlier is shown beside it
 */
export function carries(run: Run, earlier?: Run): string {
  const runs = earlier ? [run, earlier] : [run]
  return [
    `| One process, with the machine to itself | ${runs.map(({ machine }) => `${machine.date} at ${machine.commit}`).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(runs.length)}`,
    ...lines.map((line) => `| ${line.what} | ${runs.map((each) => seen(line, each)).join(' | ')} |`),
  ].join('\n')
}

/** Two digits that count: it is to plan by. */
function seen({ workload, contestant, measure, unit }: Line, { measured }: Run): string {
  const median = measured.find(({ workload: { name } }) => name === workload)?.outcome.results.median(contestant, measure)
  if (median === undefined || !Number.isFinite(median)) return '–'
  return `${Number(median.toPrecision(2)).toLocaleString('en')} ${unit}`
}
