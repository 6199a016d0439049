import { contest } from '../lib/contest.js'
import { type Contestant, hasNchan, inNode, type Start, startNchan } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { type Bench, comparedTo, ratioTo, type Workload } from '../lib/workload.js'

interface Crowd {
  readonly start: Start
  readonly connections: number
}

/** Resident memory that one open connection costs. */
export const idle: Workload = {
  name: 'idle',
  title: 'Idle connections',
  about:
    '10,000 people (1,000 in the quick run), each signed in through express-session with its sessions in SQLite, each with one open WebSocket. Resident memory of the server ' +
    'after garbage collection, less what it was before, by connection. nchan signs nobody in.',
  async run(bench) {
    const connections = bench.quick ? 1000 : 10_000
    const crowds: Record<string, Crowd> = {
      belfry: { start: inNode('belfry'), connections },
      socketio: { start: inNode('socketio'), connections },
      ws: { start: inNode('ws'), connections },
    }
    if (hasNchan()) crowds.nchan = { start: startNchan, connections }
    if (!bench.quick) crowds['belfry, 19,000'] = { start: inNode('belfry'), connections: 19_000 }
    const results = await contest(bench.rounds, crowds, (crowd) => memoryOf(crowd, bench))
    return {
      results,
      columns: [
        { measure: 'kilobytes', title: 'KB a connection' },
        { measure: 'total', title: 'MB in all' },
      ],
      judgements: [
        ...ratioTo(results, 'kilobytes', 'socketio', 'Memory a connection, against Socket.IO with sessions', { atMost: 0.3 }, { atMost: 0.9 }),
        ...comparedTo(results, 'kilobytes', 'ws', 'Memory a connection, against ws with sessions'),
        ...ratioTo(results, 'kilobytes', 'nchan', 'Memory a connection, against nchan without sign-in', { atMost: 0.6 }),
        ...ratioTo(results, 'kilobytes', 'belfry', 'Memory a connection at 19,000, against 10,000', { atMost: 1.05 }, undefined, 'belfry, 19,000'),
      ],
    }
  },
}

async function memoryOf({ start, connections }: Crowd, bench: Bench) {
  const people = bench.people(connections)
  await using server: Contestant = await start(people, bench.folder)
  {
    await using warm = await Sockets.open(server.port, server.dialect, people.cookies, 100)
    await warm.reset()
  }
  const before = await server.memory()
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, connections)
  await sockets.reset()
  const after = await server.memory()
  return { kilobytes: (after - before) / connections / 1024, total: after / 1024 / 1024 }
}
