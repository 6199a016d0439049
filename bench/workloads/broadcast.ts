import { join } from 'node:path'
import { contest, type Results } from '../lib/contest.js'
import { hasNchan, hasUws, inNode, type Start, startFloor, startNchan, withSessions } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { Server } from '../lib/processes.js'
import { type Bench, comparedTo, type Judgement, ratioTo, type Workload } from '../lib/workload.js'

/** About as long as what Belfry sends when something arrived. */
export const FRAME =
  '{"type":"unread","epoch":"0123456789abcdef0123456789abcdef","version":12,"unread":12,"latest":{"id":"0123456789abcdef0123456789abcdef","cursor":"c-012345",' +
  '"title":"The canteen is closed today","body":null,"url":null,"level":"info","category":null,"data":null,"state":"unread","createdAt":"2026-01-01T12:00:00.000Z","readAt":null,"expiresAt":null}}'

const DIFFERENT = 'belfry, all different'

/** Processor time of one delivery of a message to everybody. */
export const broadcast: Workload = {
  name: 'broadcast',
  title: 'A message to everybody who is connected',
  about:
    'One message to 10,000 open sockets (1,000 in the quick run), again and again, each after the last has arrived. Belfry stores it, reads again the state of each user, and sends that; the others send a text. ' +
    '‘All different’ is Belfry where everybody has a version of their own, as people have who were told other things before, so that each is told something else. Processor time of the server by delivery. The floor is a C program that calls send(2) with a frame that stands ready, and nothing else.',
  async run(bench) {
    const servers: Record<string, Start> = {
      ...withSessions,
      [DIFFERENT]: startDifferent,
    }
    if (hasUws()) servers.uws = inNode('uws')
    if (hasNchan()) servers.nchan = startNchan
    servers.floor = () => startFloor(FRAME)
    const results = await contest(bench.rounds, servers, (start) => cost(start, bench))
    return {
      results,
      columns: [
        { measure: 'cpu', title: 'CPU µs a delivery' },
        { measure: 'half', title: 'half of them after ms' },
        { measure: 'last', title: 'the last after ms' },
        { measure: 'client', title: 'CPU µs of the load program' },
        { measure: 'bytes', title: 'bytes a frame' },
      ],
      judgements: judge(results),
    }
  },
}

function judge(results: Results): Judgement[] {
  return [
    ...ratioTo(
      results,
      'cpu',
      'socketio',
      'Processor time a delivery where all are told the same, against Socket.IO',
      { atMost: 0.57 },
      { atMost: 2 },
    ),
    ...ratioTo(
      results,
      'cpu',
      'ws',
      'Processor time a delivery where all are told the same, against a loop over ws',
      { atMost: 0.76 },
      { atMost: 3 },
    ),
    ...ratioTo(
      results,
      'cpu',
      'floor',
      'Processor time a delivery where all are told the same, against only send(2) in C',
      { atMost: 1.25 },
      { atMost: 4.5 },
    ),
    ...comparedTo(
      results,
      'cpu',
      'ws',
      'Processor time a delivery where each is told something else, against a loop over ws with one text for all',
      DIFFERENT,
    ),
    ...comparedTo(results, 'cpu', 'uws', 'Processor time a delivery where all are told the same, against uWebSockets without sign-in'),
  ]
}

let made = 0

const startDifferent: Start = async (people, folder) => {
  const database = join(folder, `different-${++made}.db`)
  await using store = await Server.start('store', { database })
  await store.ask('fill', { users: 10_000, rows: 10_000 })
  await store.ask('tellApart')
  return await inNode('belfry')(people, folder, { database })
}

async function cost(start: Start, bench: Bench) {
  const connections = bench.quick ? 1000 : 10_000
  const times = bench.quick ? 10 : 20
  const people = bench.people(connections)
  await using server = await start(people, bench.folder)
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, connections)
  for (let i = 0; i < 3; i++) await sockets.expect(1, () => server.broadcast('The canteen is closed today'))
  const cpu = await server.cpu()
  const sums = { half: 0, last: 0, client: 0, bytes: 0 }
  for (let i = 0; i < times; i++) {
    const counts = await sockets.expect(1, () => server.broadcast('The canteen is closed today'))
    sums.half += (counts.half - counts.result) / 1e6 / times
    sums.last += (counts.last - counts.result) / 1e6 / times
    sums.client += (counts.cpu / connections / times) * 1e6
    sums.bytes += counts.bytes / connections / times
  }
  return { cpu: (((await server.cpu()) - cpu) / connections / times) * 1e6, ...sums }
}
