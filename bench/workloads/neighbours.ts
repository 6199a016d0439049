import { contest, quantile } from '../lib/contest.js'
import { inNode, type SessionStart, withSessions } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { Pings, type Window } from '../lib/pings.js'
import { type Bench, comparedTo, figure, ratioTo, type Workload } from '../lib/workload.js'

/** In nanoseconds. */
const SETTLED = 50e6

/** What the host's other requests notice of a message to everybody. */
export const neighbours: Workload = {
  name: 'neighbours',
  title: "The host's other requests during a message to everybody",
  about:
    'As before, and meanwhile a GET /ping of the same Express app is due every millisecond, whether or not those before it were answered. Only requests that were due between the beginning of a broadcast and its last ' +
    'delivery count; their latency counts from when they were due. ‘At rest’ are those that were due between broadcasts: what they wait for each other, and for the garbage collector. ‘Sent late’ is how late the load program itself was. ' +
    'The peers send to all in one turn of the event loop, as is usual: what that holds up grows with the number of sockets, and the ratio to it, too, so the milliseconds are what counts. ‘ws, 32 at a time’ is ' +
    'the same loop with a turn of the event loop after each 32 sockets, which shows what taking turns alone gains.',
  async run(bench) {
    const results = await contest(bench.rounds, servers, (start) => disturbance(start, bench))
    return {
      results,
      columns: [
        { measure: 'p50', title: 'ping p50 ms' },
        { measure: 'p99', title: 'ping p99 ms' },
        { measure: 'late', title: 'of that sent late, p99 ms' },
        { measure: 'rest', title: 'ping p99 ms at rest' },
        { measure: 'held', title: 'event loop held at most ms' },
        { measure: 'last', title: 'the last delivery after ms' },
      ],
      judgements: [
        figure(results, 'p99', 'p99 of GET /ping during a broadcast', 'ms', { atMost: 5 }),
        ...ratioTo(
          results,
          'p99',
          'socketio',
          'p99 of GET /ping during a broadcast, against Socket.IO, which sends to all in one turn',
          { atMost: 0.02 },
          { atMost: 0.6 },
        ),
        figure(results, 'held', 'The event loop is held by broadcasts at most', 'ms', { atMost: 10 }),
        ...ratioTo(results, 'last', 'ws', 'The last client has it, against a loop over ws', { atMost: 1.2 }, { atMost: 3 }),
        ...comparedTo(results, 'p99', 'ws, 32 at a time', 'p99 of GET /ping during a broadcast, against a loop over ws, 32 at a time'),
        ...comparedTo(results, 'last', 'ws, 32 at a time', 'The last client has it, against a loop over ws, 32 at a time'),
      ],
    }
  },
}

const servers: Readonly<Record<string, SessionStart>> = {
  ...withSessions,
  'ws, 32 at a time': (people, folder) => inNode('ws')(people, folder, { slice: 32 }),
}

async function disturbance(start: SessionStart, bench: Bench) {
  const connections = bench.quick ? 2000 : 10_000
  const people = bench.people(connections)
  await using server = await start(people, bench.folder)
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, connections)
  for (let i = 0; i < 3; i++) await sockets.expect(1, () => server.broadcast('The canteen is closed today'))
  await using pings = await Pings.start(server.port, bench.folder)
  await server.server.ask('watchLoop')
  const windows: Window[] = []
  for (let i = 0; i < (bench.quick ? 5 : 15); i++) {
    const { result, last } = await sockets.expect(1, () => server.broadcast('The canteen is closed today'))
    windows.push([result, last])
    await pause(200)
  }
  const { longest } = await server.server.ask<{ longest: number }>('loop')
  await pings.stop()
  const during = pings.within(windows)
  const rest = pings.within(between(windows))
  const last = quantile(
    windows.map(([began, ended]) => (ended - began) / 1e6),
    0.5,
  )
  return {
    p50: quantile(during.latencies, 0.5),
    p99: quantile(during.latencies, 0.99),
    late: quantile(during.late, 0.99),
    rest: quantile(rest.latencies, 0.99),
    held: longest,
    last,
  }
}

/** From a while after each broadcast, as the clients that heard of it have things to do, to the next. */
function between(windows: readonly Window[]): Window[] {
  return windows.slice(1).map(([began], index) => [(windows[index]?.[1] ?? 0) + SETTLED, began])
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
