import { join } from 'node:path'
import { contest } from '../lib/contest.js'
import { Server } from '../lib/processes.js'
import type { Bench, Workload } from '../lib/workload.js'

/** What is for many, one by one. */
export const crowd: Workload = {
  name: 'crowd',
  title: 'Many at once, and how long the event loop is held for it',
  about:
    'On an empty database, with synchronous=FULL: 10,000 people notified in the same turn of the event loop (what the host itself does in that turn is not counted), one notification to 5,000 who are named, 10,000 that are due at the ' +
    'same moment; then counting the readers of a message to everyone that 100,000 have marked as read one by one (the quick run has a tenth of each). Milliseconds between two turns of the event loop at most, and until all of it is done.',
  async run(bench) {
    const results = await contest(bench.rounds, { belfry: bench.quick ? 0.1 : 1 }, (scale) => atOnce(scale, bench))
    return {
      results,
      columns: [
        { measure: 'notified', title: '10,000 notified, held ms' },
        { measure: 'notifiedAll', title: 'all ms' },
        { measure: 'named', title: '5,000 named, held ms' },
        { measure: 'namedAll', title: 'all ms' },
        { measure: 'due', title: '10,000 due, held ms' },
        { measure: 'dueAll', title: 'all ms' },
        { measure: 'counted', title: '100,000 readers, held ms' },
        { measure: 'countedAll', title: 'all ms' },
      ],
      judgements: [],
    }
  },
}

let made = 0

async function atOnce(scale: number, bench: Bench) {
  await using store = await Server.start('store', { database: join(bench.folder, `crowd-${++made}.db`) })
  await store.ask('open')
  const measured: Record<string, number> = {}
  for (const [what, count] of [
    ['notified', 10_000],
    ['named', 5000],
    ['due', 10_000],
    ['counted', 100_000],
  ] as const) {
    const { held, all } = await store.ask<{ held: number; all: number }>(what, { count: count * scale })
    measured[what] = held
    measured[`${what}All`] = all
  }
  return measured
}
