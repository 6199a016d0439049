import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { pino } from 'pino'
import { parseConfig } from '../../src/app/config.js'
import { startApp } from '../../src/app/main.js'
import { run } from '../../src/cli.js'
import { PASSWORD } from '../helpers/app.js'
import { eventually } from '../helpers/eventually.js'
import { bin } from '../helpers/server.js'
import { Visitor } from '../helpers/visitor.js'

const silent = { write: () => true }

/** A folder in which the app can be started, more than once, as an operator would. */
class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'belfry-start-'))
  readonly database = join(this.folder, 'data', 'belfry.db')
  readonly #started: Start[] = []

  start(settings: Readonly<Record<string, string>> = {}, program: readonly string[] = []): Start {
    const env = { PATH: process.env.PATH ?? '', PORT: '0', DATABASE_URL: this.database, LOG_LEVEL: 'warn', ...settings }
    const [command = '', ...argv] = [...program, process.execPath, bin, 'start']
    const start = new Start(spawn(command, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
    this.#started.push(start)
    return start
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((start) => start.end('SIGKILL')))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

class Start {
  out = ''
  err = ''
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString()
    })
    this.ended = once(child, 'close').then(([code]) => code)
  }

  /** Where it listens, as the first line that names an address says. */
  async url(): Promise<string> {
    const found = () => /http:\/\/[^\s/]+/.exec(this.out)?.[0]
    await eventually(
      () => found() !== undefined || this.#child.exitCode !== null,
      () => `it does not listen: ${this.err}`,
      30_000,
    )
    assert.ok(found(), this.err)
    return found() ?? ''
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.kill(signal)
    return this.ended
  }
}

describe('the first start', () => {
  it('says where it listens and how to sign in, and keeps everything to itself', async () => {
    await using place = new Place()
    const start = place.start({ LOG_LEVEL: 'trace' })
    const url = await start.url()
    assert.match(start.out, /^Belfry listens on http:\/\/localhost:\d+\nSign in as admin with password [a-z2-9]{20}\n$/)
    const password = /with password (\S+)/.exec(start.out)?.[1] ?? ''
    const admin = await Visitor.signedIn(url, 'admin', password)
    assert.equal((await admin.get('/admin/users')).status, 200)
    for (const file of ['belfry.db', 'session-secret']) assert.equal(statSync(join(place.folder, 'data', file)).mode & 0o777, 0o600, file)
    assert.ok(!start.err.includes(password))
    assert.match(start.out, /^[^\n]+\n[^\n]+\n$/, 'requests are not logged to standard output')
  })

  it('is told in the log with the version and the database file, and that a secret was made, which the next one takes up', async () => {
    await using place = new Place()
    const info = { ADMIN_PASSWORD: PASSWORD, LOG_LEVEL: 'info' }
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const made of [true, false]) {
      const start = place.start(info)
      await start.url()
      await eventually(
        () => start.err.includes('"started"'),
        () => start.err,
      )
      const lines = start.err.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
      const started = lines.find(({ msg }) => msg === 'started')
      assert.deepEqual([started.version, started.database], [version, place.database])
      assert.equal(
        lines.some(({ msg }) => /a secret for sessions was made/.test(msg)),
        made,
      )
      await start.end('SIGTERM')
    }
  })

  it('is silent about a password that was given', async () => {
    await using place = new Place()
    const start = place.start({ ADMIN_USERNAME: 'grace', ADMIN_PASSWORD: PASSWORD })
    const url = await start.url()
    assert.doesNotMatch(start.out, /password|Sign in/)
    await Visitor.signedIn(url, 'grace', PASSWORD)
  })

  it('that failed, as the port was taken, leaves it to the next one to say how to sign in', async () => {
    await using place = new Place()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const failed = place.start({ PORT: String((other.address() as AddressInfo).port) })
    assert.equal(await failed.ended, 1)
    assert.equal(failed.out, '')
    other.close()
    const start = place.start()
    const url = await start.url()
    await Visitor.signedIn(url, 'admin', /with password (\S+)/.exec(start.out)?.[1] ?? '')
  })

  it('by three processes at once makes one admin and one secret', async () => {
    await using place = new Place()
    const starts = [place.start(), place.start(), place.start()]
    const urls = await Promise.all(starts.map((start) => start.url()))
    await eventually(
      () => starts.some(({ out }) => out.includes('Sign in')),
      () => 'nobody says how to sign in',
      10_000,
    )
    const told = starts.filter(({ out }) => out.includes('Sign in as'))
    assert.equal(told.length, 1)
    const admin = await Visitor.signedIn(urls[0] ?? '', 'admin', /with password (\S+)/.exec(told[0]?.out ?? '')?.[1] ?? '')
    for (const url of urls) {
      const visitor = new Visitor(url)
      visitor.cookie = admin.cookie
      assert.equal((await visitor.get('/account')).status, 200)
    }
  })
})

describe('a restart', () => {
  it('keeps people signed in, and says nothing of passwords', async () => {
    await using place = new Place()
    const first = place.start({ ADMIN_PASSWORD: PASSWORD })
    const ada = await Visitor.signedIn(await first.url(), 'admin', PASSWORD)
    assert.equal(await first.end('SIGTERM'), 0)
    const second = place.start({ ADMIN_PASSWORD: 'ignored, for there is an admin' })
    const visitor = new Visitor(await second.url())
    visitor.cookie = ada.cookie
    assert.equal((await visitor.get('/account')).status, 200)
    assert.doesNotMatch(second.out, /password/)
  })

  it('with another secret signs everybody out', async () => {
    await using place = new Place()
    const first = place.start({ ADMIN_PASSWORD: PASSWORD, SESSION_SECRET: 'one secret of many' })
    const ada = await Visitor.signedIn(await first.url(), 'admin', PASSWORD)
    await first.end('SIGTERM')
    const visitor = new Visitor(await place.start({ SESSION_SECRET: 'quite another secret' }).url())
    visitor.cookie = ada.cookie
    assert.equal((await visitor.get('/account')).status, 303)
  })
})

describe('a start that cannot be', () => {
  const inOneLine = async (start: Start, expected: RegExp) => {
    assert.equal(await start.ended, 1)
    assert.match(start.err, expected)
    assert.match(start.err, /^[^\n]+\n$/, 'one line')
    assert.equal(start.out, '')
  }

  it('ends with one line and exit code 1 for a bad setting', async () => {
    await using place = new Place()
    await Promise.all([
      inOneLine(place.start({ PORT: 'http' }), /^PORT="http" can't be used: /),
      inOneLine(place.start({ DATABASE_URL: 'postgres://u:p@localhost/x' }), /^DATABASE_URL=.*PostgreSQL is not there yet/),
      inOneLine(place.start({ HOST: '192.0.2.1' }), /^HOST="192\.0\.2\.1" can't be used: /),
      inOneLine(place.start({ HOST: 'fe80::1' }), /^HOST="fe80::1" can't be used: /),
    ])
  })

  it('ends so where the first admin cannot be made as told', async () => {
    await using place = new Place()
    await Promise.all([
      inOneLine(place.start({ ADMIN_PASSWORD: 'long'.repeat(60) }), /^ADMIN_PASSWORD can't be used as it is: (?!.*long)/),
      inOneLine(place.start({ ADMIN_USERNAME: '123' }), /^ADMIN_USERNAME="123" can't be used: /),
    ])
  })

  it('ends so where somebody who is no admin has the name of the first one, in whatever case; with another name it starts', async () => {
    await using place = new Place()
    const env = { DATABASE_URL: place.database }
    assert.equal(await run(['user', 'add', 'Admin', '--password', PASSWORD], silent, silent, { env, input: process.stdin }), 0)
    await inOneLine(place.start(), /^ADMIN_USERNAME="admin" can't be used: somebody who is no admin is called that already: give another name\.$/m)
    const start = place.start({ ADMIN_USERNAME: 'root' })
    await start.url()
    assert.match(start.out, /^Sign in as root with password \S+$/m)
  })

  it('ends so where something listens already', async () => {
    await using place = new Place()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await inOneLine(place.start({ PORT: String(port), ADMIN_PASSWORD: PASSWORD }), /^PORT="\d+" can't be used: something listens there already/)
    other.close()
  })

  it('ends so where the database is no database, a folder, or newer than the app', async () => {
    await using place = new Place()
    mkdirSync(join(place.folder, 'data'))
    const [text, newer] = [join(place.folder, 'text.db'), join(place.folder, 'newer.db')]
    writeFileSync(text, 'This is no database, but long enough to be taken for one at first sight.'.repeat(100))
    const database = new Database(newer)
    database.exec(`CREATE TABLE app_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL);
      INSERT INTO app_migrations VALUES (1, '0001_from_tomorrow.sql', 'x', 0)`)
    database.close()
    await Promise.all([
      inOneLine(place.start({ DATABASE_URL: text }), /^DATABASE_URL=.* can't be used: that file is not a database/),
      inOneLine(place.start({ DATABASE_URL: join(place.folder, 'data') }), /^DATABASE_URL=.* can't be used: that is a folder/),
      inOneLine(place.start({ DATABASE_URL: newer }), /migration/),
    ])
  })

  it('says of a database that another process keeps locked to wait for that one or to end it', async () => {
    await using place = new Place()
    mkdirSync(join(place.folder, 'data'))
    const other = new Database(place.database)
    other.exec('BEGIN EXCLUSIVE')
    await inOneLine(place.start(), /^DATABASE_URL=.* can't be used: another process keeps it locked: wait for that one or end it, and try again\.$/m)
    other.close()
  })

  it('says of a database in a folder that takes no files that the folder is at fault', async () => {
    await using place = new Place()
    mkdirSync(join(place.folder, 'data'))
    new Database(place.database).exec('CREATE TABLE any (thing)').close()
    chmodSync(join(place.folder, 'data'), 0o500)
    // Root writes to every folder, unless this is taken away.
    const asOthers = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []
    await inOneLine(
      place.start({}, asOthers),
      /^DATABASE_URL=.* can't be used: other files are made beside it: let this user write to its folder, too\.$/m,
    )
    chmodSync(join(place.folder, 'data'), 0o700)
  })

  it('says of a disk that is full while it makes its tables to make room', async () => {
    await using place = new Place()
    await inOneLine(
      place.start({}, ['sh', '-c', 'ulimit -f 40; exec "$0" "$@"']),
      /^DATABASE_URL=.* can't be used: it cannot be opened \(disk I\/O error\): mostly the disk is full, so make room and start again\.$/m,
    )
  })

  it('ends so where the secret beside the database is damaged', async () => {
    await using place = new Place()
    mkdirSync(join(place.folder, 'data'))
    writeFileSync(join(place.folder, 'data', 'session-secret'), 'x\n')
    await inOneLine(place.start(), /session-secret is damaged/)
    assert.equal(readFileSync(join(place.folder, 'data', 'session-secret'), 'utf8'), 'x\n')
  })

  it('lets go of its port where the first admin cannot be made as told', async () => {
    await using place = new Place()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const port = String((other.address() as AddressInfo).port)
    other.close()
    await once(other, 'close')
    const config = parseConfig({ PORT: port, DATABASE_URL: place.database, ADMIN_USERNAME: '123' })
    await assert.rejects(startApp(config, { log: pino({ level: 'silent' }) }), /ADMIN_USERNAME/)
    await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'it still listens')
  })
})

describe('SIGTERM', () => {
  it('ends the app with exit code 0: live connections hear 1012, a request that was begun is answered', async () => {
    await using place = new Place()
    const start = place.start({ ADMIN_PASSWORD: PASSWORD, LOG_LEVEL: 'info' })
    const url = await start.url()
    const admin = await Visitor.signedIn(url, 'admin', PASSWORD)
    await using tab = await admin.openTab()
    const stream = await admin.get('/notifications/stream')
    const since = performance.now()
    const begun = await dribble(url, 'username=admin&')
    start.kill('SIGTERM')
    await eventually(
      () => start.err.includes('stopping'),
      () => start.err,
    )
    begun.socket.write('password=wrong')
    await eventually(
      () => begun.heard().startsWith('HTTP/1.1 401 '),
      () => begun.heard(),
    )
    assert.equal(await start.ended, 0)
    assert.ok(performance.now() - since < 10_000)
    await eventually(
      () => tab.closed === 1012,
      () => `closed with ${tab.closed}`,
    )
    await stream.body?.cancel()
  })

  it('is not held up by somebody who dribbles a request, nor by one who only holds a connection', async () => {
    await using place = new Place()
    const start = place.start({ ADMIN_PASSWORD: PASSWORD })
    const url = await start.url()
    const holding = connect(Number(new URL(url).port), 'localhost')
    holding.on('error', () => {})
    await once(holding, 'connect')
    await dribble(url, 'user')
    const since = performance.now()
    assert.equal(await start.end('SIGTERM'), 0)
    assert.ok(performance.now() - since < 10_000)
  })

  it('ends it also where the disk of its log is full, and until then it answers', {
    skip: !existsSync('/dev/full') && 'there is no /dev/full here',
  }, async () => {
    await using place = new Place()
    const start = place.start({ ADMIN_PASSWORD: PASSWORD, LOG_LEVEL: 'info' }, ['sh', '-c', 'exec "$0" "$@" 2> /dev/full'])
    const url = await start.url()
    for (let n = 0; n < 20; n++) assert.equal((await fetch(`${url}/login`, { signal: AbortSignal.timeout(5000) })).status, 200)
    assert.equal(await start.end('SIGTERM'), 0)
  })

  it('sent twice ends it at once', async () => {
    await using place = new Place()
    const start = place.start({ ADMIN_PASSWORD: PASSWORD, LOG_LEVEL: 'info' })
    await dribble(await start.url(), 'user')
    start.kill('SIGTERM')
    await eventually(
      () => start.err.includes('stopping'),
      () => start.err,
    )
    const since = performance.now()
    assert.equal(await start.end('SIGTERM'), 1)
    assert.ok(performance.now() - since < 5000)
  })
})

/** Begins a sign-in of 29 bytes, and resolves once the app has surely seen the beginning. */
async function dribble(url: string, beginning: string): Promise<{ socket: Socket; heard: () => string }> {
  const { port, host, origin } = new URL(url)
  const socket = connect(Number(port), 'localhost')
  let heard = ''
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  await once(socket, 'connect')
  const headers = [
    'POST /login HTTP/1.1',
    `Host: ${host}`,
    `Origin: ${origin}`,
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Length: 29',
  ]
  socket.write(`${headers.join('\r\n')}\r\n\r\n${beginning}`)
  await fetch(`${url}/healthz`)
  return { socket, heard: () => heard }
}
