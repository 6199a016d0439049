import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { deskLog } from '../src/cli/desk-log.js'
import { run } from '../src/cli.js'
import { PASSWORD, startTestApp } from './helpers/app.js'
import { eventually } from './helpers/eventually.js'
import { bin, ServerProcess } from './helpers/server.js'
import { Visitor } from './helpers/visitor.js'

const COMMANDS = [
  ...['start', 'migrate', 'user add', 'user list', 'user password', 'user disable', 'user enable'],
  ...['notify', 'token add', 'token list', 'token revoke', 'backup', 'restore'],
]

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A folder with a database, and a shell in it. */
class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'belfry-cli-'))
  readonly database = join(this.folder, 'data', 'belfry.db')

  async run(argv: readonly string[], { database = this.database, input = '' } = {}): Promise<Ran> {
    const written = { out: '', err: '' }
    const into = (name: 'out' | 'err') => ({
      write(text: string) {
        written[name] += text
      },
    })
    const code = await run(argv, into('out'), into('err'), { env: { DATABASE_URL: database }, input: Readable.from([input]) })
    assert.doesNotMatch(written.out + written.err, /\n\s+at /, 'a stack trace')
    return { code, ...written }
  }

  /** Runs what must succeed, and returns what it wrote. */
  async ok(...argv: string[]): Promise<string> {
    const { code, out, err } = await this.run(argv)
    assert.equal(code, 0, err)
    return out
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

describe('the command line', () => {
  it('says which version it is', async () => {
    await using place = new Place()
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    assert.equal(await place.ok('--version'), `${version}\n`)
  })

  it('helps with everything when asked, with exit code 0', async () => {
    await using place = new Place()
    const help = await place.ok('--help')
    for (const command of COMMANDS) {
      assert.ok(help.includes(`belfry ${command}`), command)
      assert.match(await place.ok(...command.split(' '), '--help'), new RegExp(`^Usage: belfry ${command}`))
    }
    assert.match(await place.ok('user', '--help'), /user add[\s\S]*user enable/)
    assert.ok(!existsSync(place.database), 'help touches nothing')
  })

  for (const argv of [
    [],
    ['frob'],
    ['user'],
    ['user', 'frob'],
    ['user', 'add'],
    ['user', 'add', 'ada', 'bob'],
    ['user', 'add', 'ada', '--role', 'owner'],
    ['user', 'add', 'ada', '--role'],
    ['user', 'add', 'ada', '--frob'],
    ['user', 'add', 'ada', '--role', 'admin', '--role', 'member'],
    ['notify', '--title', 'x'],
    ['notify', '--to', 'everyone'],
    ['notify', '--to', 'ada', '--title', 'x'],
    ['notify', '--to', 'everyone', '--title', 'x', '--level', 'loud'],
    ['token', 'revoke', 'ci'],
    ['backup'],
    ['restore', 'a', 'b'],
  ]) {
    it(`says what is wrong with 'belfry ${argv.join(' ')}', with exit code 2`, async () => {
      await using place = new Place()
      const { code, out, err } = await place.run(argv)
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, /belfry/)
      assert.ok(!existsSync(place.database), 'wrong use touches nothing')
    })
  }

  it('is a program with these exit codes', async () => {
    await using place = new Place()
    const env = { PATH: process.env.PATH ?? '', DATABASE_URL: place.database }
    const codeOf = (...argv: string[]) =>
      new Promise<number>((resolve) => {
        execFile(process.execPath, [bin, ...argv], { env }, (error) => resolve(error === null ? 0 : Number(error.code)))
      })
    assert.deepEqual(await Promise.all([codeOf('migrate'), codeOf('user', 'add'), codeOf('restore', place.path('none'))]), [0, 2, 1])
  })

  it('says in one line that a setting is wrong', async () => {
    await using place = new Place()
    const { code, err } = await place.run(['migrate'], { database: 'postgres://localhost/x' })
    assert.equal(code, 1)
    assert.match(err, /^DATABASE_URL=.*\n$/)
  })

  it('says in one line that the database is none', async () => {
    await using place = new Place()
    const file = place.path('notes.txt')
    writeFileSync(file, 'these are no tables, only notes, and they must stay as they are')
    for (const argv of [['user', 'list'], ['migrate'], ['backup', place.path('copy.db')]]) {
      const { code, err } = await place.run(argv, { database: file })
      assert.equal(code, 1)
      assert.match(err, /^[^\n]+\n$/)
    }
    assert.match(readFileSync(file, 'utf8'), /^these are no tables/)
  })

  it('says why the database cannot be used', async () => {
    await using place = new Place()
    await place.ok('migrate')
    const db = new Database(place.database)
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON notifications BEGIN SELECT RAISE(FAIL, 'the disk is full'); END`)
    db.close()
    const { code, err } = await place.run(['notify', '--to', 'everyone', '--title', 'x'])
    assert.deepEqual([code, err], [1, 'The database cannot be used at the moment. The reason: the disk is full.\n'])
  })

  it('tells on standard error of rows that are refused, since no server will any more, be it the database itself or one that is restored', async () => {
    await using place = new Place()
    await place.ok('migrate')
    const refuse = () => {
      const other = new Database(place.database)
      other.exec(`INSERT INTO notifications (audience, title) VALUES ('nobody', 'For whom?'), ('everyone', '')`)
      other.close()
    }
    const told = (err: string) =>
      err
        .match(/^A row of the table notifications cannot be delivered and is skipped \(seq \d+, reason \w+\)\.$/gm)
        ?.map((line) => line.split(' ').at(-1))
    refuse()
    const { code, out, err } = await place.run(['user', 'list', '--json'])
    assert.deepEqual([code, out, told(err)], [0, '[]\n', ['audience).', 'title).']])
    assert.equal((await place.run(['user', 'list'])).err, '', 'each is told once')
    refuse()
    await place.ok('backup', place.path('backup.db'))
    assert.deepEqual(told((await place.run(['restore', place.path('backup.db'), '--force'])).err), ['audience).', 'title).'])
  })

  it('tells each of what a server would warn of as a sentence, whether or not it was one', async () => {
    const lines: string[] = []
    const { log, written } = deskLog({ err: { write: async (text) => void lines.push(text) } })
    log.warn({ err: new Error('locked') }, 'it could not be read')
    log.warn('It cannot go on. Install another.')
    await written()
    assert.deepEqual(lines, ['It could not be read (err locked).\n', 'It cannot go on. Install another.\n'])
  })

  it('makes no database where there is only something to look at', async () => {
    await using place = new Place()
    for (const argv of [
      ['user', 'list'],
      ['token', 'list'],
      ['user', 'disable', 'ada'],
      ['notify', '--to', 'everyone', '--title', 'x'],
      ['backup', place.path('b')],
    ]) {
      const { code, err } = await place.run(argv)
      assert.equal(code, 1)
      assert.match(err, /There is no database at/)
    }
    assert.deepEqual(readdirSync(place.folder), [])
  })
})

describe('belfry migrate', () => {
  it('makes a database that only its owner can read; again is fine', async () => {
    await using place = new Place()
    await place.ok('migrate')
    await place.ok('migrate')
    assert.equal(statSync(place.database).mode & 0o777, 0o600)
  })
})

describe('belfry user', () => {
  it('adds people with a password of theirs, one from standard input, or one that is made and printed', async () => {
    await using place = new Place()
    assert.equal(await place.ok('user', 'add', 'ada', '--role', 'admin', '--password', 'correct horse'), 'Added ada (admin).\n')
    assert.equal((await place.run(['user', 'add', 'bob', '--password', '-'], { input: 'battery staple\nmore' })).code, 0)
    const made = /^Sign in as carol with password (\S{16,})\n$/.exec(await place.ok('user', 'add', 'carol'))?.[1] ?? ''
    await using app = await startTestApp({ DATABASE_URL: place.database })
    await Visitor.signedIn(app.url, 'ada', 'correct horse')
    await Visitor.signedIn(app.url, 'bob', 'battery staple')
    await Visitor.signedIn(app.url, 'carol', made)
  })

  it('reads a password that is typed up to the end of its line, and waits for no more', async () => {
    await using place = new Place()
    const env = { ...process.env, DATABASE_URL: place.database }
    const argv = [bin, 'user', 'add', 'bob', '--password', '-']
    const code = await new Promise<unknown>((resolve) => {
      const { stdin } = execFile(process.execPath, argv, { env, timeout: 20_000 }, (error) => resolve(error === null ? 0 : error.code))
      stdin?.write('battery ')
      stdin?.write('stäple\n')
    })
    assert.equal(code, 0)
    await using app = await startTestApp({ DATABASE_URL: place.database })
    await Visitor.signedIn(app.url, 'bob', 'battery stäple')
  })

  it('lists them, as a table and as JSON', async () => {
    await using place = new Place()
    await place.ok('user', 'add', 'ada', '--role', 'admin')
    await place.ok('user', 'add', 'bob')
    await place.ok('user', 'disable', 'bob')
    assert.match(await place.ok('user', 'list'), /^ID +NAME +ROLE[^\n]*\n1 +ada +admin[^\n]*\n2 +bob +member +\S+ +\S+\n$/)
    const list = JSON.parse(await place.ok('user', 'list', '--json')) as { username: string; role: string; disabledAt: string | null }[]
    assert.deepEqual(
      list.map(({ username, role, disabledAt }) => [username, role, disabledAt !== null]),
      [
        ['ada', 'admin', false],
        ['bob', 'member', true],
      ],
    )
  })

  for (const [what, argv, message] of [
    ['a name that is taken', ['user', 'add', 'ADA', '--password', PASSWORD], /Somebody is called ADA already/],
    ['a name of digits', ['user', 'add', '123', '--password', PASSWORD], /no digit/],
    ['an endless password', ['user', 'add', 'bob', '--password', 'x'.repeat(201)], /1 to 200 characters/],
    ['somebody who is not there', ['user', 'disable', 'zed'], /nobody called zed/],
    ['the last admin', ['user', 'disable', 'ada'], /last admin/],
  ] as const) {
    it(`refuses ${what}, with exit code 1`, async () => {
      await using place = new Place()
      await place.ok('user', 'add', 'ada', '--role', 'admin')
      const { code, out, err } = await place.run(argv)
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, message)
      assert.equal(err.trim().split('\n').length, 1)
    })
  }
})

describe('belfry token', () => {
  it('prints the token alone on standard output, opens the API with it, and takes it back', async () => {
    await using place = new Place()
    const token = (await place.ok('token', 'add', 'ci')).trim()
    await using app = await startTestApp({ DATABASE_URL: place.database })
    const send = async () => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return (await fetch(`${app.url}/api/notifications`, { method: 'POST', headers, body: JSON.stringify({ to: 'everyone', title: 'x' }) })).status
    }
    assert.equal(await send(), 201)
    const [listed] = JSON.parse(await place.ok('token', 'list', '--json')) as { id: number; name: string; revokedAt: string | null }[]
    assert.deepEqual([listed?.name, listed?.revokedAt], ['ci', null])
    assert.ok(!(await place.ok('token', 'list')).includes(token))
    await place.ok('token', 'revoke', String(listed?.id))
    assert.equal(await send(), 401)
    assert.equal((await place.run(['token', 'revoke', '99'])).code, 1)
  })
})

describe('beside a running server', () => {
  it("'belfry notify' reaches the badges within a second", async () => {
    await using server = await ServerProcess.start()
    await using place = new Place()
    const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
    await using tab = await admin.openTab()
    const database = { database: server.database }
    for (const [to, unread] of [
      ['user:ADMIN', 1],
      ['topic:role:admin', 2],
      ['everyone', 3],
      ['topic:role:member', 3],
    ] as const) {
      const { code, out } = await place.run(
        ['notify', '--to', to, '--title', `To ${to}`, '--body', 'b', '--url', '/x', '--level', 'warning', '--category', 'ops'],
        database,
      )
      assert.deepEqual([code, /^Sent to .*: [\w-]+\n$/.test(out)], [0, true])
      await eventually(
        () => tab.state?.unread === unread,
        () => `${to}: the badge shows ${tab.state?.unread}`,
        1000,
      )
    }
    const [item] = await admin.inbox()
    assert.deepEqual([item?.title, item?.url, item?.level, item?.category], ['To everyone', '/x', 'warning', 'ops'])
    for (const argv of [
      ['--to', 'user:zed', '--title', 'x'],
      ['--to', 'topic:staff', '--title', 'x'],
      ['--to', 'everyone', '--title', ' '],
    ]) {
      assert.equal((await place.run(['notify', ...argv], database)).code, 1, argv.join(' '))
    }
  })

  for (const [to, column] of [
    ['everyone', 'created_at'],
    ['topic:role:member', 'role_since'],
  ] as const)
    it(`'belfry notify --to ${to}' reaches those of whom ${column} is of the future, too, as the machine's clock was set back since`, async () => {
      await using place = new Place()
      await using app = await startTestApp({ DATABASE_URL: place.database })
      const { id } = await app.addUser('ada')
      app.context.database.prepare(`UPDATE users SET ${column} = ${column} + 7200000 WHERE id = ?`).run(id)
      const ada = await app.signIn('ada')
      await using tab = await ada.openTab()
      await place.ok('notify', '--to', to, '--title', 'Here you are')
      await eventually(() => tab.state?.unread === 1, 'the tab shows 1')
    })

  for (const [what, argv] of [
    ['disable', ['user', 'disable', 'ada']],
    ['password', ['user', 'password', 'ada', '--password', 'another password']],
  ] as const) {
    it(`'belfry user ${what}' ends the sessions and sockets of that user within a second, and nobody else's`, async () => {
      await using server = await ServerProcess.start()
      await using place = new Place()
      const database = { database: server.database }
      await place.run(['user', 'add', 'ada', '--password', PASSWORD], database)
      const [ada, admin] = [await Visitor.signedIn(server.url, 'ada', PASSWORD), await Visitor.signedIn(server.url, 'admin', server.admin.password)]
      await using tab = await ada.openTab()
      await using other = await admin.openTab()
      assert.equal((await place.run(argv, database)).code, 0)
      await eventually(
        () => tab.closed !== undefined,
        () => 'the socket is open',
        1000,
      )
      assert.equal(tab.closed, 4401)
      assert.equal((await ada.get('/notifications/unread')).status, 401)
      assert.equal(other.closed, undefined)
    })
  }
})

describe('belfry backup and belfry restore', () => {
  it('bring everything back that was acknowledged before the backup, as another epoch, and nothing half', async () => {
    await using server = await ServerProcess.start()
    await using place = new Place()
    const database = { database: server.database }
    const admin = await Visitor.signedIn(server.url, 'admin', server.admin.password)
    const { epoch } = await admin.state()
    const acknowledged: string[] = []
    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        const { status } = await admin.postJson('/admin/notifications', { audience: 'everyone', title: `No. ${n}` })
        if (status === 201) acknowledged.push(`No. ${n}`)
      }
    })()
    await eventually(
      () => acknowledged.length >= 20,
      () => `${acknowledged.length} were written`,
    )
    const before = [...acknowledged]
    const file = place.path('backup.db')
    const { code, err } = await place.run(['backup', file], database)
    writing = false
    await writer
    assert.equal(code, 0, err)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(place.folder), ['backup.db'])

    const beside = await place.run(['restore', file, '--force'], database)
    assert.equal(beside.code, 1)
    assert.match(beside.err, /in use: stop the server first/)
    await admin.postJson('/admin/notifications', { audience: 'everyone', title: 'After the refusal' })

    await server.end('SIGKILL')
    assert.match((await place.run(['restore', file], database)).err, /--force/)
    const restored = await place.run(['restore', file, '--force'], database)
    assert.equal(restored.code, 0, restored.err)
    assert.deepEqual(
      readdirSync(server.folder).filter((name) => name.includes('partial') || /-(wal|shm)$/.test(name)),
      [],
    )
    await server.start()
    assert.equal((await admin.get('/notifications/unread')).status, 401, 'a session of before')
    const again = await Visitor.signedIn(server.url, 'admin', server.admin.password)
    const state = await again.state()
    assert.notEqual(state.epoch, epoch)
    const titles = (await again.inbox()).map(({ title }) => title)
    assert.equal(state.unread, titles.length)
    for (const title of before) assert.ok(titles.includes(title), `${title} is lost`)
    assert.ok(!titles.includes('After the refusal'))
    assert.equal(new Set(titles).size, titles.length)
  })

  it('give each restored copy an epoch of its own, whichever way it was put there', async () => {
    await using place = new Place()
    await place.ok('user', 'add', 'ada', '--role', 'admin')
    const epochs = [epochOf(place.database)]
    await place.ok('backup', place.path('b.db'))
    epochs.push(epochOf(place.path('b.db')))
    for (let n = 0; n < 2; n++) {
      await place.ok('restore', '--force', place.path('b.db'))
      epochs.push(epochOf(place.database))
    }
    assert.equal(new Set(epochs).size, 4)
  })

  it('never overwrite a file, and leave nothing behind when they fail', async () => {
    await using place = new Place()
    await place.ok('migrate')
    writeFileSync(place.path('taken'), 'mine')
    const { code, err } = await place.run(['backup', place.path('taken')])
    assert.equal(code, 1)
    assert.match(err, /is there already/)
    assert.equal(readFileSync(place.path('taken'), 'utf8'), 'mine')
    assert.equal((await place.run(['backup', place.path('no/such/folder/b.db')])).code, 1)
    assert.deepEqual(readdirSync(place.folder).toSorted(), ['data', 'taken'])
  })

  it('refuse what is no backup, and keep the database as it is', async () => {
    await using place = new Place()
    await place.ok('user', 'add', 'ada', '--role', 'admin')
    writeFileSync(place.path('text.db'), 'this is not a database at all, but it is long enough to look at it')
    writeFileSync(place.path('empty.db'), '')
    new Database(place.path('other.db')).exec('CREATE TABLE songs (title TEXT)').close()
    mkdirSync(place.path('folder'))
    await place.ok('backup', place.path('broken.db'))
    const bytes = readFileSync(place.path('broken.db'))
    writeFileSync(place.path('broken.db'), bytes.fill(0xff, 20_000, 60_000))
    for (const name of ['text.db', 'empty.db', 'other.db', 'folder', 'broken.db', 'missing.db']) {
      const { code, err } = await place.run(['restore', '--force', place.path(name)])
      assert.equal(code, 1, name)
      assert.match(err, /^[^\n]+\n$/, name)
    }
    assert.match(await place.ok('user', 'list'), /ada/)
    assert.deepEqual(
      readdirSync(join(place.folder, 'data')).filter((name) => name.includes('partial')),
      [],
    )
  })

  it('refuse a backup of a newer version', async () => {
    await using place = new Place()
    await place.ok('user', 'add', 'ada', '--role', 'admin')
    await place.ok('backup', place.path('newer.db'))
    const newer = new Database(place.path('newer.db'))
    newer.exec(`INSERT INTO app_migrations (version, name, sha256, applied_at) VALUES (99, '0099_later.sql', 'x', 0)`)
    newer.close()
    const { code, err } = await place.run(['restore', '--force', place.path('newer.db')])
    assert.equal(code, 1)
    assert.match(err, /newer version/)
    assert.match(await place.ok('user', 'list'), /ada/)
  })

  it('work where there is no database yet', async () => {
    await using place = new Place()
    await place.ok('user', 'add', 'ada', '--role', 'admin')
    await place.ok('backup', place.path('b.db'))
    const database = place.path('elsewhere/new.db')
    const { code, err } = await place.run(['restore', place.path('b.db')], { database })
    assert.equal(code, 0, err)
    assert.match((await place.run(['user', 'list'], { database })).out, /ada/)
    assert.equal(statSync(database).mode & 0o777, 0o600)
  })
})

function epochOf(file: string): unknown {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare(`SELECT value FROM notification_meta WHERE key = 'epoch'`).pluck().get()
  } finally {
    db.close()
  }
}
