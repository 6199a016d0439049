import { contest } from '../lib/contest.js'
import { openFilled } from '../lib/filled.js'
import { type Bench, figure, type Workload } from '../lib/workload.js'

/** Reading, when there is much. */
export const exact: Workload = {
  name: 'exact',
  title: 'Exact counts in a large database',
  about:
    '1,000,000 users (or as many as `--users` says) with ten notifications each; users at random. ‘Mark all’ is measured in groups, which share one wait for the disk. ‘Read again’ is what the hub does for 10,000 ' +
    'who are connected after a message to everyone, in slices of 32 with a turn of the event loop between them.',
  async run(bench) {
    const size = { users: bench.users, rows: bench.users * 10 }
    const results = await contest(bench.rounds, { belfry: size }, (contestant) => reading(contestant, bench))
    return {
      results,
      columns: [
        { measure: 'state', title: 'count and version, p50 µs' },
        { measure: 'markAll', title: 'mark all as read, µs' },
        { measure: 'page', title: 'page of the inbox, p50 µs' },
        { measure: 'first', title: '10,000 read when they come, ms' },
        { measure: 'reread', title: '10,000 read again, ms' },
        { measure: 'slice', title: 'longest slice of that, ms' },
      ],
      judgements: [
        figure(results, 'state', 'Count and version of one user, p50', 'µs', { atMost: 5 }),
        figure(results, 'markAll', 'Mark all as read', 'µs', { atMost: 15 }),
        figure(results, 'page', 'A page of the inbox, p50', 'µs', { atMost: 100 }),
        figure(results, 'reread', '10,000 connected users read again', 'ms', { atMost: 25 }),
        figure(results, 'slice', 'The longest slice of that', 'ms', { atMost: 5 }),
      ],
    }
  },
}

async function reading({ users, rows }: { users: number; rows: number }, bench: Bench) {
  await using store = await openFilled(bench.folder, users, rows)
  const state = await store.ask<{ p50: number }>('state', { users, times: 50_000 })
  const page = await store.ask<{ p50: number }>('page', { users, times: 5000 })
  const reread = await store.ask<{ first: number; again: number; longest: number }>('reread', { users, connected: 10_000, slice: 32 })
  const markAll = await store.ask<{ each: number }>('markAllTogether', { users, times: 2000 })
  return { state: state.p50, page: page.p50, first: reread.first, reread: reread.again, slice: reread.longest, markAll: markAll.each }
}
