import { contest, quantile, type Results } from '../lib/contest.js'
import { inNode } from '../lib/contestants.js'
import { Sockets } from '../lib/load.js'
import { type Bench, comparedTo, figure, type Judgement, ratioTo, type Workload } from '../lib/workload.js'

interface Setting {
  readonly start: ReturnType<typeof inNode>
  readonly settings?: object
  /** How many are measured. */
  readonly count: number
}

const USERS = 1000

/** One notification to one user, from inside the host's process. */
export const notify: Workload = {
  name: 'notify',
  title: 'Notifying one user, in process',
  about:
    'Notifications to 1,000 people in turn, each with an open socket, 64 in a turn of the event loop: stored, counted exactly, pushed. The peers commit each one (a row, an indexed count) and emit to the user’s room. ' +
    'All are warmed up with 6,400. Measured are 64,000 of those who share commits or do not wait for the disk, and 12,800 of those who wait for it with each, which takes them about as long (and leaves the peers fewer to count). ' +
    'By rate, until the last frame has arrived; then one at a time, from the call to the frame. ‘ws, one commit for 64’ is what a host writes who has the 64 at hand: one transaction around them, each counted in it and told of by itself after it; it shows what the shared commit alone gains. ' +
    'Belfry tells each person the newest state, so one frame may stand for several notifications; the peers send one for each. ' +
    '‘NORMAL’ is SQLite’s synchronous=NORMAL, which Belfry itself does not offer; ‘unbatched’ is Belfry where each is committed in a transaction of the host’s.',
  async run(bench) {
    const [few, many] = bench.quick ? [1280, 12_800] : [12_800, 64_000]
    const contestants: Record<string, Setting> = {
      belfry: { start: inNode('belfry'), count: many },
      socketio: { start: inNode('socketio'), count: few },
      ws: { start: inNode('ws'), count: few },
      'ws, one commit for 64': { start: inNode('ws'), settings: { together: true }, count: many },
      'socketio, NORMAL': { start: inNode('socketio'), settings: { synchronous: 'NORMAL' }, count: many },
      'belfry, NORMAL': { start: inNode('belfry'), settings: { synchronous: 'NORMAL' }, count: many },
      'belfry, unbatched': { start: inNode('belfry'), settings: { unbatched: true }, count: few },
    }
    const results = await contest(bench.rounds, contestants, (contestant) => rateAndLatency(contestant, bench))
    return {
      results,
      columns: [
        { measure: 'rate', title: 'stored a second' },
        { measure: 'cpu', title: 'CPU µs each' },
        { measure: 'frames', title: 'frames each' },
        { measure: 'p50', title: 'one alone: p50 ms to the frame' },
      ],
      judgements: judge(results),
    }
  },
}

function judge(results: Results): Judgement[] {
  return [
    ...ratioTo(
      results,
      'rate',
      'socketio',
      'Rate of notifying in process, commits shared and frames merged, against Socket.IO with a commit and a frame each',
      { atLeast: 8 },
      { atLeast: 2 },
    ),
    ...ratioTo(
      results,
      'each',
      'belfry, NORMAL',
      'Time of each, notified in process at synchronous=FULL, against Belfry at NORMAL',
      { atMost: 1.15 },
      { atMost: 2.5 },
    ),
    ...ratioTo(results, 'p50', 'belfry, unbatched', 'One alone in process, to its frame, against Belfry unbatched', { atMost: 1.05 }, { atMost: 3 }),
    figure(results, 'rate', 'Notifications stored a second, frames merged', '/s', { atLeast: 31_000 }),
    ...comparedTo(
      results,
      'rate',
      'ws, one commit for 64',
      'Rate of notifying in process, frames merged, against ws with one commit for 64 and a frame each',
    ),
    ...comparedTo(results, 'rate', 'socketio, NORMAL', 'Rate of notifying in process at FULL, against Socket.IO with a commit each at NORMAL'),
    ...comparedTo(results, 'p50', 'ws', 'One alone in process, to its frame, against ws by hand'),
  ]
}

async function rateAndLatency({ start, settings, count }: Setting, bench: Bench) {
  const people = bench.people(USERS)
  await using server = await start(people, bench.folder, settings)
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, USERS)
  await server.server.ask('notify', { count: bench.quick ? 1280 : 6400, turn: 64, users: USERS })
  await sockets.settled()
  await sockets.reset()
  const cpu = await server.cpu()
  const { began, ended } = await server.server.ask<{ began: number; ended: number }>('notify', { count, turn: 64, users: USERS })
  const { last, frames } = await sockets.settled()
  const seconds = (Math.max(last, ended) - began) / 1e9
  const used = (await server.cpu()) - cpu
  const single: number[] = []
  for (let i = 0; i < (bench.quick ? 50 : 300); i++) {
    const { result, first } = await sockets.frames(1, () => server.server.ask<{ began: number }>('one', { user: String(1 + (i % USERS)) }))
    single.push((first - result.began) / 1e6)
  }
  return { rate: count / seconds, each: (seconds / count) * 1e6, cpu: (used / count) * 1e6, frames: frames / count, p50: quantile(single, 0.5) }
}
