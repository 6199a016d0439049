import { join } from 'node:path'
import { contest } from '../lib/contest.js'
import { dialects, Sockets } from '../lib/load.js'
import { Server } from '../lib/processes.js'
import { type Bench, ratioTo, type Workload } from '../lib/workload.js'

/** Earlier messages to everybody, and which of them each has read: every one, every second, or none. */
interface Past {
  readonly messages: number
  readonly every: number
}

const SETTLED = 'belfry, 300 read'

/** People who read one by one and never mark all as read. */
export const readers: Workload = {
  name: 'readers',
  title: 'People who have read many messages one by one',
  about:
    '1,000 people (200 in the quick run) who were sent 300 messages to everybody and have marked each of them as read by itself, or 600 and have marked every second one; beside people who were sent nothing yet. ' +
    'Processor time of the server for a person’s WebSocket to open, for a delivery of one more message to everybody, for a notification to one of them (64 in a turn of the event loop), and for one that is marked as read.',
  async run(bench) {
    const pasts: Record<string, Past> = {
      belfry: { messages: 0, every: 1 },
      [SETTLED]: { messages: 300, every: 1 },
      'belfry, 300 of 600 read': { messages: 600, every: 2 },
    }
    const results = await contest(bench.rounds, pasts, (past) => costs(past, bench))
    return {
      results,
      columns: [
        { measure: 'accept', title: 'CPU µs to open' },
        { measure: 'delivery', title: 'CPU µs a delivery' },
        { measure: 'notify', title: 'CPU µs a notification' },
        { measure: 'read', title: 'CPU µs to mark one as read' },
      ],
      judgements: [
        ...ratioTo(
          results,
          'delivery',
          'belfry',
          'Processor time a delivery, to people who have read 300',
          { atMost: 1.25 },
          { atMost: 2.5 },
          SETTLED,
        ),
        ...ratioTo(results, 'notify', 'belfry', 'Processor time to notify one who has read 300', { atMost: 1.5 }, { atMost: 3 }, SETTLED),
      ],
    }
  },
}

let made = 0

async function costs(past: Past, bench: Bench) {
  const users = bench.quick ? 200 : 1000
  const people = bench.people(users)
  const settings = { ...people.settings, database: join(bench.folder, `readers-${++made}.db`) }
  const read = await reading(settings, users, past)
  // In another process, as after a restart: nothing is kept of anybody.
  await using server = await Server.start('belfry', settings)
  const spent = meter(server)
  await using sockets = await Sockets.open(server.port, dialects.belfry, people.cookies, users)
  const accept = await spent(users)
  const messages = 20
  for (let i = 0; i < messages; i++) await sockets.expect(1, () => server.ask('broadcast', { title: 'The canteen is closed today' }))
  const delivery = await spent(users * messages)
  await sockets.reset()
  const count = 64 * 100
  await server.ask('notify', { count, turn: 64, users })
  await sockets.settled()
  return { accept, delivery, notify: await spent(count), ...read }
}

/** What it takes them to read what was sent before, from the oldest on. */
async function reading(settings: object, users: number, past: Past) {
  await using server = await Server.start('belfry', settings)
  if (past.messages === 0) return {}
  const spent = meter(server)
  await server.ask('read', { users, ...past })
  return { read: await spent((users * past.messages) / past.every) }
}

/** The processor time since the last time, in microseconds, for each of so many. */
function meter(server: Server): (times: number) => Promise<number> {
  let before = server.cpu()
  return async (times) => {
    const [last, now] = [await before, await server.cpu()]
    before = Promise.resolve(now)
    return ((now - last) / times) * 1e6
  }
}
