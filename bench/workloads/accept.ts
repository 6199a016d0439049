import { contest } from '../lib/contest.js'
import { type Start, withSessions } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { type Bench, comparedTo, ratioTo, type Workload } from '../lib/workload.js'

/** Processor time of signing one connection in. */
export const accept: Workload = {
  name: 'accept',
  title: 'Accepting a connection',
  about:
    'People who have not been here before open a WebSocket, 64 at once; each has a session in SQLite. Processor time of the server from the first request to the last frame of greeting, by ' +
    'connection, after a thousand that warm it up.',
  async run(bench) {
    const results = await contest(bench.rounds, withSessions, (start) => cost(start, bench))
    return {
      results,
      columns: [
        { measure: 'cpu', title: 'CPU µs' },
        { measure: 'rate', title: 'accepted a second' },
      ],
      judgements: [
        ...ratioTo(results, 'cpu', 'socketio', 'Processor time to accept, against Socket.IO with sessions', { atMost: 0.35 }, { atMost: 1.5 }),
        ...comparedTo(results, 'cpu', 'ws', 'Processor time to accept, against ws with sessions'),
      ],
    }
  },
}

async function cost(start: Start, bench: Bench) {
  const warm = 1000
  const connections = bench.quick ? 1000 : 8000
  const people = bench.people(warm + connections)
  await using server = await start(people, bench.folder)
  await using before = await Sockets.open(server.port, server.dialect, people.cookies, warm)
  await before.reset()
  const cpu = await server.cpu()
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookiesFrom(warm), connections)
  return { cpu: (((await server.cpu()) - cpu) / connections) * 1e6, rate: connections / sockets.seconds }
}
