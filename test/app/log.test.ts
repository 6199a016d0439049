import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { AppDatabase } from '../../src/app/database.js'
import { Tokens } from '../../src/app/tokens.js'
import { Folder } from '../embedding/served.js'
import { eventually } from '../helpers/eventually.js'
import { ServerProcess } from '../helpers/server.js'
import { Tab, Visitor } from '../helpers/visitor.js'

const LOG = new URL('../../src/app/log.ts', import.meta.url).href

/** Logs while the disk is full, goes on while there is room again, and ends in the turn of its last line. */
const FULL_FOR_A_WHILE = `
  import { closeSync, openSync } from 'node:fs'
  import { once } from 'node:events'
  import { symbols } from 'pino'
  import { createLog } from ${JSON.stringify(LOG)}
  const logTo = (path) => {
    closeSync(2)
    if (openSync(path, 'a') !== 2) throw new Error('That is not standard error.')
  }
  logTo('/dev/full')
  const log = createLog('info')
  const stream = log[symbols.streamSym]
  log.info('while it is full')
  await once(stream, 'error').catch(() => {})
  logTo(process.argv[1])
  log.info('with room again')
  await once(stream, 'drain')
  log.info('being written')
  log.info('the last')
  process.exit(0)
`

interface Line {
  readonly msg: string
  readonly level: number
  readonly id?: string
  readonly err?: { readonly message: string; readonly cause?: { readonly message: string } }
  readonly req?: { readonly id: string }
  readonly reason?: string
  readonly status?: number
}

describe('the log, while nothing can be stored,', () => {
  it('says why for each request that is answered with 503, once and without a stack', async () => {
    await using server = await ServerProcess.start()
    const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
    const database = new AppDatabase(server.database)
    const { token } = await new Tokens(database).add('ci', null)
    database.close()
    const db = new Database(server.database)
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON notifications BEGIN SELECT RAISE(FAIL, 'the disk is full'); END`)
    db.close()
    const answers = [
      await admin.postJson('/api/notifications', { to: 'everyone', title: 'x' }, { authorization: `Bearer ${token}` }),
      await admin.postJson('/messages', { to: 'admin', title: 'x' }),
      await admin.post('/messages', { form: { to: 'admin', title: 'x', body: '' } }),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [503, 503, 503],
    )
    const lines = () => server.output.trim().split('\n').filter(Boolean)
    await eventually(
      () => lines().length >= 6,
      () => server.output,
    )
    const told = lines().map((line) => JSON.parse(line) as Line)
    const why = told.filter(({ err }) => err?.cause?.message === 'the disk is full')
    assert.equal(why.length, 3)
    assert.equal(told.length, 6, 'one line for why, one for the request')
    const requests = told.flatMap(({ req }) => req?.id ?? [])
    assert.deepEqual(
      why.map(({ id }) => id),
      requests,
    )
    assert.doesNotMatch(server.output, /"stack"|failed with status code/)
    assert.ok(!server.output.includes(token))
  })
})

describe('the log', () => {
  it('is whole to the last line once its disk, which was full, has room again', {
    skip: !existsSync('/dev/full') && 'there is no /dev/full here',
  }, async () => {
    using folder = new Folder()
    const file = folder.file('log')
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', FULL_FOR_A_WHILE, file], { stdio: 'ignore' })
    assert.deepEqual(await once(child, 'exit'), [0, null])
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    assert.deepEqual(
      new Set(lines.map((line) => (JSON.parse(line) as Line).msg)),
      new Set(['while it is full', 'with room again', 'being written', 'the last']),
    )
  })

  it('has of an address only the path, also where it names the server and a password', async () => {
    await using server = await ServerProcess.start({ LOG_LEVEL: 'info' })
    const { port } = new URL(server.url)
    const path = `http://ada:hunter2@127.0.0.1:${port}/healthz?token=hunter3`
    const [answer] = (await once(request({ port, path }).end(), 'response')) as [IncomingMessage]
    answer.resume()
    await eventually(
      () => server.output.includes('"path":"/healthz"'),
      () => server.output,
    )
    assert.doesNotMatch(server.output, /hunter/)
  })

  it('has a line for each live connection that was refused, with the reason', async () => {
    await using server = await ServerProcess.start({ LOG_LEVEL: 'info' })
    await assert.rejects(new Tab(server.url, '').opened)
    await assert.rejects(new Tab(server.url, '', 'https://elsewhere.example').opened)
    await fetch(`${server.url}/notifications/stream`)
    const refusals = () => server.output.split('\n').filter((line) => line.includes('"a live connection was refused"'))
    await eventually(
      () => refusals().length >= 3,
      () => server.output,
    )
    const told = refusals().map((line) => JSON.parse(line) as Line)
    assert.deepEqual(
      told.map(({ reason, status }) => ({ reason, status })),
      [
        { reason: 'session', status: 401 },
        { reason: 'origin', status: 403 },
        { reason: 'session', status: 401 },
      ],
    )
  })
})
