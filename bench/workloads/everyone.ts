import { join } from 'node:path'
import { contest } from '../lib/contest.js'
import { openFilled } from '../lib/filled.js'
import { Server } from '../lib/processes.js'
import { type Bench, figure, ratioTo, type Workload } from '../lib/workload.js'

/** A message to everyone, when very many are known. */
export const everyone: Workload = {
  name: 'everyone',
  title: 'A message to everyone, with very many known users',
  about:
    '1,000,000 known users (10,000 in the quick run). Belfry writes one row; the ways of Laravel (a row a user) and noticed (an event and a row a user, a thousand at a time) are their tables and statements on the same SQLite, all in one ' +
    'transaction, which is more than either does. Time until it is committed with synchronous=FULL, and how much the file grows.',
  async run(bench) {
    const users = bench.quick ? 10_000 : 1_000_000
    const ways = { belfry: belfry, laravel: rowPerUser('laravel'), noticed: rowPerUser('noticed') }
    const results = await contest(bench.rounds, ways, (way) => way(users, bench))
    return {
      results,
      columns: [
        { measure: 'commit', title: 'committed after ms' },
        { measure: 'kilobytes', title: 'KB of growth' },
      ],
      judgements: [
        figure(results, 'commit', 'Commit of a message to everyone', 'ms', { atMost: 1 }),
        figure(results, 'kilobytes', 'Growth of the database', 'KB', { atMost: 4 }, { atMost: 4 }),
        ...(bench.quick ? [] : ratioTo(results, 'commit', 'belfry', 'Laravel’s way takes longer', { atLeast: 3000 }, undefined, 'laravel')),
        ...(bench.quick ? [] : ratioTo(results, 'commit', 'belfry', 'noticed’s way takes longer', { atLeast: 1000 }, undefined, 'noticed')),
      ],
    }
  },
}

async function belfry(users: number, bench: Bench) {
  await using store = await openFilled(bench.folder, users, users)
  await store.ask('everyone', { times: 50 })
  const { commit, bytes } = await store.ask<{ commit: number; bytes: number }>('everyone', { times: 200 })
  return { commit, kilobytes: bytes / 1024 }
}

let made = 0

function rowPerUser(way: 'laravel' | 'noticed') {
  return async (users: number, bench: Bench) => {
    await using server = await Server.start('store', { database: join(bench.folder, `${way}-${++made}.db`) })
    const { commit, bytes } = await server.ask<{ commit: number; bytes: number }>('rowPerUser', { users, way })
    return { commit, kilobytes: bytes / 1024 }
  }
}
