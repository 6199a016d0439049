import { writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { contest, quantile, type Results } from '../lib/contest.js'
import { inNode } from '../lib/contestants.js'
import { request, requestsFile, Sockets, sendRequests } from '../lib/load.js'
import { now } from '../lib/processes.js'
import { type Bench, comparedTo, type Judgement, ratioTo, type Workload } from '../lib/workload.js'

interface Setting {
  readonly start: ReturnType<typeof inNode>
  readonly settings?: object
}

const USERS = 1000

const PLAIN = 'belfry, plain requests'

/** The same through a route of the host's. */
export const post: Workload = {
  name: 'post',
  title: 'Notifying one user, through a route of Express',
  about:
    'POST of a small JSON body over 64 kept-alive connections to a route of the host that notifies one of 1,000 people with an open socket and answers 201 when it is stored. Then one request at a time, from the request to the frame: ' +
    'there the peer is Express with ws by hand (insert, count, send), which is the least that it takes. Belfry lets the server make requests that Express need not change; ‘plain requests’ is Belfry without that, and ‘quick requests’ ' +
    'are the peers with it.',
  async run(bench) {
    const contestants: Record<string, Setting> = {
      belfry: { start: inNode('belfry') },
      [PLAIN]: { start: inNode('belfry'), settings: { plainRequests: true } },
      socketio: { start: inNode('socketio') },
      'socketio, quick requests': { start: inNode('socketio'), settings: { quickRequests: true } },
      'socketio, NORMAL': { start: inNode('socketio'), settings: { synchronous: 'NORMAL' } },
      ws: { start: inNode('ws') },
      'ws, quick requests': { start: inNode('ws'), settings: { quickRequests: true } },
    }
    const results = await contest(bench.rounds, contestants, (contestant) => load(contestant, bench))
    return {
      results,
      columns: [
        { measure: 'rate', title: 'a second' },
        { measure: 'cpu', title: 'CPU µs each' },
        { measure: 'p99', title: 'p99 ms of the answer' },
        { measure: 'badge', title: 'one alone: p50 ms to the frame' },
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
      'Rate of POSTs that notify, with quick requests, against Express and Socket.IO without',
      { atLeast: 3 },
      { atLeast: 2 },
    ),
    ...ratioTo(
      results,
      'cpu',
      'socketio',
      'Processor time of such a POST, with quick requests, against Express and Socket.IO without',
      { atMost: 0.4 },
      { atMost: 0.6 },
    ),
    ...ratioTo(
      results,
      'rate',
      'socketio, NORMAL',
      'Rate of such POSTs, with quick requests and at FULL, against Express and Socket.IO without and at NORMAL',
      { atLeast: 1.8 },
      { atLeast: 1.2 },
    ),
    ...ratioTo(
      results,
      'badge',
      'ws',
      'One such POST alone, to its frame, with quick requests, against Express and ws by hand without',
      { atMost: 1.05 },
      { atMost: 5 },
    ),
    ...comparedTo(results, 'rate', 'socketio, quick requests', 'Rate of POSTs that notify, both with quick requests, against Express and Socket.IO'),
    ...comparedTo(
      results,
      'cpu',
      'socketio, quick requests',
      'Processor time of such a POST, both with quick requests, against Express and Socket.IO',
    ),
    ...comparedTo(results, 'rate', 'socketio', 'Rate of POSTs that notify, both without quick requests, against Express and Socket.IO', PLAIN),
    ...comparedTo(
      results,
      'badge',
      'ws, quick requests',
      'One such POST alone, to its frame, both with quick requests, against Express and ws by hand',
    ),
  ]
}

async function load({ start, settings }: Setting, bench: Bench) {
  const people = bench.people(USERS)
  await using server = await start(people, bench.folder, settings)
  await using sockets = await Sockets.open(server.port, server.dialect, people.cookies, USERS)
  const requests = Array.from({ length: USERS }, (_, i) =>
    request('POST', '/notes', { 'Content-Type': 'application/json' }, JSON.stringify({ user: String(i + 1), title: 'New comment' })),
  )
  const all = join(bench.folder, 'posts')
  writeFileSync(all, requestsFile(requests))
  await sendRequests(server.port, all, { connections: 64, seconds: bench.quick ? 1 : 2 })
  await sockets.settled()
  const cpu = await server.cpu()
  const answers = await sendRequests(server.port, all, { connections: 64, seconds: bench.quick ? 2 : 6 })
  await sockets.settled()
  const used = (await server.cpu()) - cpu
  if (answers.statuses['201'] !== answers.requests) throw new Error(`Not every POST was answered with 201: ${JSON.stringify(answers.statuses)}`)
  const badges: number[] = []
  const client = createConnection(server.port, '127.0.0.1').resume().setNoDelay()
  for (let i = 0; i < (bench.quick ? 50 : 300); i++) {
    const { result, first } = await sockets.frames(1, async () => {
      const began = now()
      client.write(requests[i] ?? '')
      return began
    })
    badges.push((first - result) / 1e6)
  }
  client.destroy()
  return { rate: answers.requests / answers.seconds, cpu: (used / answers.requests) * 1e6, p99: answers.p99, badge: quantile(badges, 0.5) }
}
