import { contest, type Results } from '../lib/contest.js'
import { openFilled } from '../lib/filled.js'
import type { Bench, Judgement, Plot, Workload } from '../lib/workload.js'

const measures = { state: 'count and version', page: 'page of the inbox', notify: 'notify one user', everyone: 'notify everyone' } as const

/** What more users and more rows cost. */
export const growth: Workload = {
  name: 'growth',
  title: 'Growth',
  about:
    'The same four operations, one at a time and with synchronous=FULL, on databases of 1,000 to 1,000,000 users with ten notifications each (or to as many as `--users` says): p50 in microseconds. The two that write wait for the disk.',
  async run(bench) {
    const sizes = [1000, 10_000, 100_000, 1_000_000].filter((users) => users <= bench.users)
    const contestants = Object.fromEntries(sizes.map((users) => [users.toLocaleString('en'), users]))
    const results = await contest(bench.rounds, contestants, (users) => costs(users, bench))
    return {
      results,
      columns: Object.entries(measures).map(([measure, title]) => ({ measure, title: `${title}, µs` })),
      judgements: judge(results, sizes),
      plots: [plot(results, sizes)],
    }
  },
}

async function costs(users: number, bench: Bench) {
  await using store = await openFilled(bench.folder, users, users * 10)
  const p50 = async (what: string, times: number) => (await store.ask<{ p50: number }>(what, { users, times })).p50
  const everyone = async () => (await store.ask<{ commit: number }>('everyone', { times: 200 })).commit * 1000
  return { state: await p50('state', 20_000), page: await p50('page', 3000), notify: await p50('notify', 1000), everyone: await everyone() }
}

/** A thousand times the users may cost a few more levels of a tree, and no more. */
function judge(results: Results, sizes: readonly number[]): Judgement[] {
  const [least, most] = [sizes[0] ?? 0, sizes.at(-1) ?? 0].map((users) => users.toLocaleString('en'))
  return Object.entries(measures).map(([measure, title]) => ({
    what: `${title}: with ${most} users, against ${least}`,
    measured: results.ratio(measure, most ?? '', least ?? ''),
    unit: '×',
    goal: { atMost: 3 },
    guard: { atMost: 6 },
  }))
}

function plot(results: Results, sizes: readonly number[]): Plot {
  const line = ([measure, name]: [string, string]) => ({
    name,
    points: sizes.map((users) => [users, results.median(users.toLocaleString('en'), measure)] as const),
  })
  return { title: 'Cost against size', x: 'users, ten notifications each', y: 'µs (p50)', lines: Object.entries(measures).map(line) }
}
