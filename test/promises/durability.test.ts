import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { eventually } from '../helpers/eventually.js'
import { ServerProcess } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

const ROUNDS = 4

test('P1, P2: what was acknowledged survives kill -9, whole, and every count is right afterwards', { timeout: 120_000 }, async () => {
  await using server = await ServerProcess.start()
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await admin.postJson('/admin/users', { username: 'ada', password: 'ada is here', role: 'member' })
  const ada = await Visitor.signedIn(server.url, 'ada', 'ada is here')
  const { body } = await admin.postJson<{ token: string }>('/admin/tokens', { name: 'script' })
  const acknowledged = new Set<string>()

  for (let round = 1; round <= ROUNDS; round++) {
    const wanted = round * 40
    const writers = Array.from({ length: 8 }, (_, n) => writeUntilItDies(admin, body.token, `${round}-${n}`, acknowledged))
    await eventually(
      () => acknowledged.size >= wanted,
      () => `${acknowledged.size} of ${wanted} were acknowledged`,
      30_000,
    )
    await server.end('SIGKILL')
    await Promise.all(writers)
    await server.start()

    for (const visitor of [ada, admin]) {
      const items = await visitor.inbox('all', 100)
      const stored = new Set(items.map(({ id }) => id))
      const lost = [...acknowledged].filter((id) => !stored.has(id))
      assert.deepEqual(lost, [], `round ${round}: acknowledged, and lost`)
      assert.equal(stored.size, items.length, 'nothing is there twice')
      assert.equal((await visitor.state()).unread, items.filter(({ state }) => state === 'unread').length)
    }
    const [hers, theirs] = [await ada.inbox('all', 100), await admin.inbox('all', 100)]
    assert.deepEqual(
      hers.map(({ id }) => id),
      theirs.map(({ id }) => id),
      'all recipients have it, or none',
    )
  }
})

/** How many connections the server holds, the asker's own included. */
async function connections(visitor: Visitor): Promise<number> {
  const metrics = await (await visitor.get('/metrics')).text()
  return Number(/^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
}

async function refusesConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.destroy())
      .once('close', (failed) => resolve(failed))
      .once('error', () => {})
  })
}

/** Writes to two people at once, one notification after the other, until the server is gone. */
async function writeUntilItDies(admin: Visitor, token: string, name: string, acknowledged: Set<string>): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      const draft = { to: { users: ['ada', 'admin'] }, title: `${name}-${n}` }
      const { status, body } = await admin.postJson<{ id: string }>('/api/notifications', draft, { authorization: `Bearer ${token}` })
      if (status === 201) acknowledged.add(body.id)
    } catch {
      return
    }
  }
}

test('P14: SIGTERM finishes requests, closes sockets with 1012 and ends with 0', { timeout: 60_000 }, async () => {
  await using server = await ServerProcess.start()
  const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
  await using first = await admin.openTab()
  await using second = await admin.openTab()
  // While another process holds the lock, ten requests are surely under way; it lets go only after the signal.
  const outsider = new Database(server.database)
  outsider.exec('BEGIN IMMEDIATE')
  const before = await connections(admin)
  const answers = Array.from({ length: 10 }, (_, n) => admin.post('/messages', { form: { to: 'admin', title: `last words ${n}`, body: '' } }))
  const statuses = Promise.all(answers.map(async (answer) => (await answer).status))
  statuses.catch(() => {})
  await eventually(
    async () => (await connections(admin)) >= before + answers.length,
    () => 'the ten requests did not arrive',
  )
  // What came in before a later request was answered has been read.
  await admin.get('/healthz')
  const begun = performance.now()
  const ended = server.end('SIGTERM')
  await eventually(
    () => refusesConnections(server.url),
    () => 'it still takes connections',
  )
  outsider.exec('ROLLBACK')
  outsider.close()
  assert.equal(await ended, 0)
  assert.ok(performance.now() - begun < 10_000)
  assert.deepEqual([first.closed, second.closed], [1012, 1012])
  assert.deepEqual(new Set(await statuses), new Set([303]))

  await server.start()
  assert.equal((await admin.state()).unread, 10, 'the session and all that was said are still there')
})
