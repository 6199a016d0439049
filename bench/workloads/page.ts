import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contest } from '../lib/contest.js'
import { inNode } from '../lib/contestants.js'
import { request, requestsFile, sendRequests } from '../lib/load.js'
import { type Bench, comparedTo, type Workload } from '../lib/workload.js'

interface Setting {
  readonly start: ReturnType<typeof inNode>
  readonly settings?: object
}

const USERS = 1000

const QUICK = 'express, quick requests'
const UNUSED = 'belfry, middleware() unused'
const BELL = 'belfry, bell() in the page'

/** What the host's own requests cost with Belfry in it. */
export const page: Workload = {
  name: 'page',
  title: 'A page of the host’s',
  about:
    'GET of a page of 1.3 KB through Express, over 32 kept-alive connections, by 1,000 signed-in people in turn, behind express-session with its sessions in SQLite. Without Belfry, on `createServer(app)` as it is and with quick requests; ' +
    'then on `createServer(app)` with `attach`, which makes requests quick: with `middleware()` after the session but nothing of it in the page, and with `head()` and `bell()` in the page, which is 0.7 KB more to send.',
  async run(bench) {
    const contestants: Record<string, Setting> = {
      express: { start: inNode('ws') },
      [QUICK]: { start: inNode('ws'), settings: { quickRequests: true } },
      [UNUSED]: { start: inNode('belfry') },
      [BELL]: { start: inNode('belfry'), settings: { bell: true } },
    }
    const results = await contest(bench.rounds, contestants, (contestant) => load(contestant, bench))
    return {
      results,
      columns: [
        { measure: 'rate', title: 'a second' },
        { measure: 'cpu', title: 'CPU µs each' },
        { measure: 'p99', title: 'p99 ms' },
      ],
      judgements: [
        ...comparedTo(results, 'cpu', QUICK, 'Processor time of a page with middleware() unused, against Express with quick requests', UNUSED),
        ...comparedTo(results, 'cpu', QUICK, 'Processor time of a page with bell() in it, against Express with quick requests', BELL),
        ...comparedTo(results, 'cpu', 'express', 'Processor time of a page with bell() in it, against Express as it is', BELL),
      ],
    }
  },
}

async function load({ start, settings }: Setting, bench: Bench) {
  const people = bench.people(USERS)
  await using server = await start(people, bench.folder, settings)
  const file = join(bench.folder, 'pages')
  const pages = Array.from({ length: USERS }, (_, i) => request('GET', '/page', { Cookie: people.cookie(i + 1), Accept: 'text/html' }))
  writeFileSync(file, requestsFile(pages))
  await sendRequests(server.port, file, { connections: 32, seconds: bench.quick ? 1 : 2 })
  const cpu = await server.cpu()
  const { requests, seconds, statuses, p99 } = await sendRequests(server.port, file, { connections: 32, seconds: bench.quick ? 2 : 6 })
  const used = (await server.cpu()) - cpu
  if (statuses['200'] !== requests) throw new Error(`Not every page was answered with 200: ${JSON.stringify(statuses)}`)
  return { rate: requests / seconds, cpu: (used / requests) * 1e6, p99 }
}
