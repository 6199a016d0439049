import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { Writer } from '../../src/notifications/store/writer.js'
import { eventually } from '../helpers/eventually.js'

/** As a statement or a commit does where the disk is slow. */
function hold(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('forty who connect while each commit takes long do not wait for forty commits', async () => {
  const db = new Sqlite(':memory:')
  const writer = new Writer(
    db,
    () => {},
    () => {},
  )
  let connected = 0
  const server = createServer((socket) => {
    connected++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  let commits = 0
  let busy = true
  const writing = (async () => {
    for (; busy; commits++) await writer.write(() => hold(30))
  })()
  for (let n = 0; n < 40; n++) connect(port, '127.0.0.1').on('error', () => {})
  await eventually(
    () => connected === 40,
    () => `${connected} of 40 were let in during ${commits} commits`,
  )
  busy = false
  await writing
  server.close()
  db.close()
  assert.ok(commits < 20, `${commits} commits`)
})

test('one that fails makes those go alone that were in its transaction, and none of the hundred that would have come in later ones', async () => {
  const db = new Sqlite(':memory:')
  db.exec('CREATE TABLE said (n INTEGER PRIMARY KEY)')
  const say = db.prepare('INSERT INTO said VALUES (?)')
  let commits = 0
  const writer = new Writer(
    db,
    () => commits++,
    () => {},
  )
  const written = Array.from({ length: 100 }, (_, n) => {
    return writer.write(() => {
      hold(1)
      say.run(n === 2 ? 1 : n)
    })
  })
  const failed = (await Promise.allSettled(written)).flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
  assert.deepEqual([failed, db.prepare('SELECT count(*) FROM said').pluck().get()], [[2], 99])
  assert.ok(commits < 60, `${commits} commits`)
  db.close()
})
