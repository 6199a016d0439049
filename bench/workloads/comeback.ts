import { contest, quantile } from '../lib/contest.js'
import { type SessionStart, withSessions } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { Pings } from '../lib/pings.js'
import { now } from '../lib/processes.js'
import type { Bench, Workload } from '../lib/workload.js'

/** How many are under way at any moment. */
const AT_ONCE = 1000

/** What the host's other requests notice of everybody connecting again. */
export const comeback: Workload = {
  name: 'comeback',
  title: "The host's other requests while everybody comes back",
  about:
    '10,000 people (2,000 in the quick run) open a WebSocket, 1,000 at once, as after an outage of what stands between; clients of Belfry would take turns over ten seconds. Meanwhile a GET /ping is due every millisecond, as ' +
    'before. The server has seen 2,000 come and go.',
  async run(bench) {
    const results = await contest(bench.rounds, withSessions, (start) => disturbance(start, bench))
    return {
      results,
      columns: [
        { measure: 'p50', title: 'ping p50 ms' },
        { measure: 'p99', title: 'ping p99 ms' },
        { measure: 'late', title: 'of that sent late, p99 ms' },
        { measure: 'held', title: 'event loop held at most ms' },
        { measure: 'seconds', title: 'all connected after s' },
      ],
      judgements: [],
    }
  },
}

async function disturbance(start: SessionStart, bench: Bench) {
  const connections = bench.quick ? 2000 : 10_000
  const people = bench.people(connections)
  await using server = await start(people, bench.folder)
  await (await Sockets.open(server.port, server.dialect, people.cookies, 2000))[Symbol.asyncDispose]()
  await using pings = await Pings.start(server.port, bench.folder)
  await server.server.ask('watchLoop')
  const began = now()
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, connections, AT_ONCE)
  const ended = now()
  const { longest } = await server.server.ask<{ longest: number }>('loop')
  await pings.stop()
  const { latencies, late } = pings.within([[began, ended]])
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), late: quantile(late, 0.99), held: longest, seconds: sockets.seconds }
}
