import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contest, type Results } from '../lib/contest.js'
import { inNode } from '../lib/contestants.js'
import { request, requestsFile, sendRequests } from '../lib/load.js'
import type { People } from '../lib/people.js'
import { type Bench, comparedTo, type Judgement, ratioTo, type Workload } from '../lib/workload.js'

interface Setting {
  readonly start: ReturnType<typeof inNode>
  readonly path: string
  readonly settings?: object
}

const USERS = 1000

const ROUTER = 'belfry, router'

/** A poll that finds nothing new. */
export const poll: Workload = {
  name: 'poll',
  title: 'A poll that finds nothing new',
  about:
    '1,000 signed-in people ask in turn, over 32 kept-alive connections, with the ETag that they have; every answer is a 304. Belfry answers ahead of Express (`ahead(app)`), or from its router; either reads the session from its store each time. The peer is Express with express-session, a count query and the ETag that Express makes; ‘quick requests’ is the peer on a server such as Belfry makes it.',
  async run(bench) {
    const contestants: Record<string, Setting> = {
      belfry: { start: inNode('belfry'), path: '/notifications/unread', settings: { ahead: true } },
      [ROUTER]: { start: inNode('belfry'), path: '/notifications/unread' },
      express: { start: inNode('ws'), path: '/unread' },
      'express, quick requests': { start: inNode('ws'), path: '/unread', settings: { quickRequests: true } },
    }
    const results = await contest(bench.rounds, contestants, (contestant) => load(contestant, bench))
    return {
      results,
      columns: [
        { measure: 'rate', title: 'a second' },
        { measure: 'cpu', title: 'CPU µs each' },
        { measure: 'p99', title: 'p99 ms' },
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
      'express',
      'Rate of polls ahead of the app, against Express with express-session and a count',
      { atLeast: 6 },
      { atLeast: 2.5 },
    ),
    ...ratioTo(results, 'cpu', 'express', 'Processor time of a poll ahead of the app, against the same', { atMost: 0.17 }, { atMost: 0.35 }),
    ...comparedTo(results, 'rate', 'express, quick requests', 'Rate of polls ahead of the app, against the same with quick requests'),
    ...comparedTo(results, 'rate', 'express', 'Rate of polls through the router, against Express with express-session and a count', ROUTER),
    ...comparedTo(results, 'rate', 'express, quick requests', 'Rate of polls through the router, against the same with quick requests', ROUTER),
  ]
}

async function load({ start, path, settings }: Setting, bench: Bench) {
  const people = bench.people(USERS)
  await using server = await start(people, bench.folder, settings)
  const file = join(bench.folder, 'polls')
  writeFileSync(file, requestsFile(await pollsOf(server.port, path, people)))
  await sendRequests(server.port, file, { connections: 32, seconds: 1 })
  const cpu = await server.cpu()
  const answers = await sendRequests(server.port, file, { connections: 32, seconds: bench.quick ? 2 : 6 })
  const used = (await server.cpu()) - cpu
  if (answers.statuses['304'] !== answers.requests) throw new Error(`Not every poll was answered with 304: ${JSON.stringify(answers.statuses)}`)
  return { rate: answers.requests / answers.seconds, cpu: (used / answers.requests) * 1e6, p99: answers.p99 }
}

/** A poll of each user, with the ETag of what there is. */
async function pollsOf(port: number, path: string, people: People): Promise<string[]> {
  const polls: string[] = []
  for (let user = 1; user <= USERS; user++) {
    const headers = { Cookie: people.cookie(user), Accept: 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    const etag = response.headers.get('etag')
    if (response.status !== 200 || etag === null) throw new Error(`The first poll was answered with ${response.status} and no ETag.`)
    await response.text()
    polls.push(request('GET', path, { ...headers, 'If-None-Match': etag }))
  }
  return polls
}
