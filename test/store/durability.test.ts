import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { openStore, temporaryFolder } from './subject.js'

const STORE = new URL('../../src/notifications/store/sqlite.ts', import.meta.url).href
const DRAFT = new URL('../../src/notifications/draft.ts', import.meta.url).href

/** A process that stores to pairs of users, and prints the id of each as soon as it is acknowledged. */
const SCRIPT = `
  import { openSqliteStore } from ${JSON.stringify(STORE)}
  import { parseDraft } from ${JSON.stringify(DRAFT)}
  import { writeSync } from 'node:fs'
  const log = () => {}
  const store = openSqliteStore({ database: process.argv[1], logger: { info: log, warn: log, error: log }, metrics: { stored() {} } })
  for (let n = 0; ; n++) {
    await Promise.all([1, 2, 3].map(async (m) => {
      const { notification } = await store.insert(parseDraft({ to: { users: ['a' + m, 'b' + m] }, title: n + '-' + m }))
      writeSync(1, notification.id + '\\n')
    }))
  }`

test('what was acknowledged survives kill -9, and nothing is there by half', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'test.db')
  const acknowledged = new Set<string>()
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', SCRIPT, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const enough = acknowledged.size + 20 + round * 17
    const exit = once(child, 'exit')
    for await (const id of createInterface({ input: child.stdout })) {
      acknowledged.add(id)
      if (acknowledged.size === enough) child.kill('SIGKILL')
    }
    await exit
  }
  assert.ok(acknowledged.size >= 5 * 20)
  const store = openStore(path)
  for (const id of acknowledged) assert.equal((await store.report(id, []))?.recipients, 2)
  for (const m of [1, 2, 3]) assert.equal((await store.snapshot(`a${m}`)).unread, (await store.snapshot(`b${m}`)).unread)
  await store.close()
  const db = new Sqlite(path)
  assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
  assert.ok(Number(db.prepare('SELECT count(*) FROM notifications').pluck().get()) >= acknowledged.size)
  db.close()
  rmSync(folder, { recursive: true, force: true })
})
