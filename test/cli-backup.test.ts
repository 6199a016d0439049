import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { run } from '../src/cli.js'
import { Folder } from './embedding/served.js'
import { eventually } from './helpers/eventually.js'
import { bin } from './helpers/server.js'

const SOMEBODY = 12_345
const asRoot = { skip: process.getuid?.() !== 0 && 'only root can give files away' }

async function ok(database: string, ...argv: string[]): Promise<void> {
  let err = ''
  const toErr = {
    write(text: string) {
      err += text
    },
  }
  assert.equal(await run(argv, { write: () => {} }, toErr, { env: { DATABASE_URL: database }, input: Readable.from(['']) }), 0, err)
}

/** What a command says that fails, where the shell (and whom it runs it as) has taken something from it. */
async function failing(shell: string, database: string, ...argv: string[]): Promise<string> {
  const child = spawn('sh', ['-c', shell, process.execPath, bin, ...argv], {
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: database },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 1, err)
  return err
}

// Root writes to every folder, unless this is taken away.
const asOthers = process.getuid?.() === 0 ? 'exec setpriv --bounding-set=-dac_override,-dac_read_search "$0" "$@"' : 'exec "$0" "$@"'
// Room for what SQLite makes beside the database (32 kB), not for the copy.
const withoutRoom = 'ulimit -f 100; exec "$0" "$@"'

/** A number that no process has now. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('a place that takes no copy', () => {
  it('is told in a sentence with what to do', async () => {
    using folder = new Folder()
    const [file, backup, closed] = [folder.file('belfry.db'), folder.file('backup.db'), folder.file('closed')]
    await ok(file, 'migrate')
    await ok(file, 'backup', backup)
    mkdirSync(closed, { mode: 0o500 })
    const place = join(closed, 'x.db')
    const below = join(backup, 'x.db')
    const deep = join(closed, 'deep', 'x.db')
    const elsewhere = 'choose a place that this user may write to.\n'
    assert.equal(await failing(asOthers, file, 'backup', place), `${place} can't be written (permission denied): ${elsewhere}`)
    assert.equal(await failing(asOthers, place, 'restore', backup), `${place} can't be written (permission denied): ${elsewhere}`)
    assert.equal(await failing(asOthers, deep, 'restore', backup), `${deep} can't be written (permission denied): ${elsewhere}`)
    assert.equal(await failing(asOthers, file, 'backup', below), `${below} can't be written (not a directory): ${elsewhere}`)
  })

  it('is told so where it is the room that lacks', async () => {
    using folder = new Folder()
    const [file, backup, place] = [folder.file('belfry.db'), folder.file('backup.db'), folder.file('x.db')]
    await ok(file, 'migrate')
    await ok(file, 'backup', backup)
    const lacks = `${place} can't be written (disk I/O error): mostly the disk is full, so make room or choose another place.\n`
    assert.equal(await failing(withoutRoom, file, 'backup', place), lacks)
    assert.equal(await failing(withoutRoom, place, 'restore', backup), lacks)
    assert.deepEqual(readdirSync(folder.path).toSorted(), ['backup.db', 'belfry.db', 'session-secret'])
  })
})

describe('belfry restore', () => {
  it('puts the backup where a link leads to, and leaves the link', async () => {
    using folder = new Folder()
    const [file, link, backup] = [folder.file('elsewhere.db'), folder.file('belfry.db'), folder.file('backup.db')]
    await ok(file, 'migrate')
    symlinkSync(file, link)
    await ok(link, 'backup', backup)
    const before = statSync(file).ino
    await ok(link, 'restore', '--force', backup)
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.notEqual(statSync(file).ino, before)
  })

  it('leaves the database to whom it belongs, with the rights that it had', asRoot, async () => {
    using folder = new Folder()
    const [file, backup] = [folder.file('belfry.db'), folder.file('backup.db')]
    await ok(file, 'migrate')
    await ok(file, 'backup', backup)
    chownSync(file, SOMEBODY, SOMEBODY + 1)
    chmodSync(file, 0o640)
    await ok(file, 'restore', '--force', backup)
    const { uid, gid, mode } = statSync(file)
    assert.deepEqual([uid, gid, mode & 0o777], [SOMEBODY, SOMEBODY + 1, 0o640])
  })

  it('gives a database that was not there to whoever has the folder', asRoot, async () => {
    using folder = new Folder()
    const [file, backup] = [folder.file('data/belfry.db'), folder.file('backup.db')]
    await ok(folder.file('other.db'), 'migrate')
    await ok(folder.file('other.db'), 'backup', backup)
    mkdirSync(dirname(file))
    chownSync(dirname(file), SOMEBODY, SOMEBODY)
    await ok(file, 'restore', backup)
    const { uid, gid, mode } = statSync(file)
    assert.deepEqual([uid, gid, mode & 0o777], [SOMEBODY, SOMEBODY, 0o600])
  })

  it('keeps the rights of the database that it replaces', async () => {
    using folder = new Folder()
    const [file, backup] = [folder.file('belfry.db'), folder.file('backup.db')]
    await ok(file, 'migrate')
    await ok(file, 'backup', backup)
    chmodSync(file, 0o660)
    await ok(file, 'restore', '--force', backup)
    assert.equal(statSync(file).mode & 0o777, 0o660)
  })
})

describe('belfry backup', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`that is ended by ${signal} leaves nothing behind`, async () => {
      using folder = new Folder()
      const file = folder.file('data/belfry.db')
      await ok(file, 'migrate')
      const db = new Database(file)
      db.exec('CREATE TABLE ballast (bytes BLOB)')
      const fill = db.prepare('INSERT INTO ballast VALUES (randomblob(1000000))')
      for (let n = 0; n < 60; n++) fill.run()
      db.close()
      const child = spawn(process.execPath, [bin, 'backup', folder.file('copy.db')], {
        env: { PATH: process.env.PATH ?? '', DATABASE_URL: file },
        stdio: 'ignore',
      })
      const ended = once(child, 'exit')
      await eventually(
        () => readdirSync(folder.path).some((name) => name.endsWith('.partial')),
        () => 'it does not begin',
        30_000,
      )
      child.kill(signal)
      assert.deepEqual(await ended, [null, signal])
      assert.deepEqual(readdirSync(folder.path), ['data'])
    })
  }

  it('clears away what a process left that was killed, and nothing else', async () => {
    using folder = new Folder()
    const file = folder.file('belfry.db')
    await ok(file, 'migrate')
    const dead = await deadProcess()
    const stale = [`copy.db.${dead}.partial`, `copy.db.${dead}.partial-journal`]
    const others = [`copy.db.${process.ppid}.partial`, `other.db.${dead}.partial`, 'copy.db.partial', 'copy.db.x.partial']
    for (const name of [...stale, ...others]) writeFileSync(join(folder.path, name), 'sessions')
    await ok(file, 'backup', folder.file('copy.db'))
    const left = readdirSync(folder.path).filter((name) => name.includes('partial'))
    assert.deepEqual(left.toSorted(), others.toSorted())
  })
})
