import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { run } from '../src/cli.js'
import { createNotifications, migrateSqlite } from '../src/notifications/index.js'
import { Folder } from './embedding/served.js'

/** Runs a command line on a database; returns its exit code and what it wrote. */
async function belfry(database: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  const to = (name: 'out' | 'err') => ({
    write(text: string) {
      written[name] += text
    },
  })
  const code = await run(argv, to('out'), to('err'), { env: { DATABASE_URL: database, PORT: '0' }, input: Readable.from(['']) })
  return { code, ...written }
}

/** The database of an app that embeds Belfry, with one notification, and what else the app keeps there. */
async function hosts(file: string, tables: string): Promise<void> {
  const notifications = createNotifications({ database: file, session: () => {}, identify: () => null })
  await notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
  await notifications.close()
  new Database(file).exec(tables).close()
}

describe('on the database of an app that embeds Belfry', () => {
  for (const [what, tables] of [
    ['with nothing else in it', ''],
    [
      'with users and sessions of its own',
      `CREATE TABLE users (name TEXT); CREATE TABLE sessions (sid TEXT); INSERT INTO sessions VALUES ('theirs')`,
    ],
  ] as const) {
    it(`${what}, commands for the app's own refuse, say what to do, and change nothing`, async () => {
      using folder = new Folder()
      const [file, backup] = [folder.file('host.db'), folder.file('backup.db')]
      await hosts(file, tables)
      const [mine] = [folder.file('mine.db')]
      assert.equal((await belfry(mine, 'migrate')).code, 0)
      assert.equal((await belfry(mine, 'backup', backup)).code, 0)
      const before = readFileSync(file)
      for (const argv of [
        ['notify', '--to', 'user:ada', '--title', 'x'],
        ['notify', '--to', 'everyone', '--title', 'x'],
        ['migrate'],
        ['start'],
        ['user', 'add', 'ada'],
        ['user', 'list'],
        ['user', 'disable', 'ada'],
        ['token', 'add', 'ci'],
        ['token', 'list'],
        ['restore', '--force', backup],
      ]) {
        const { code, out, err } = await belfry(file, ...argv)
        assert.deepEqual([code, out], [1, ''], argv.join(' '))
        assert.match(err, /^DATABASE_URL=[^\n]*INSERT into that table or call notify in that app[^\n]*\n$/, argv.join(' '))
      }
      assert.ok(readFileSync(file).equals(before), 'it was changed')
    })
  }

  it('a backup is one of all that the app has, as another epoch', async () => {
    using folder = new Folder()
    const [file, copy] = [folder.file('host.db'), folder.file('copy.db')]
    await hosts(file, `CREATE TABLE sessions (sid TEXT); INSERT INTO sessions VALUES ('theirs')`)
    const { code, err } = await belfry(file, 'backup', copy)
    assert.equal(code, 0, err)
    const read = (name: string) => {
      const db = new Database(name, { readonly: true })
      const ask = (sql: string) => db.prepare(sql).pluck().all()
      const all = [
        ask('SELECT title FROM notifications'),
        ask('SELECT sid FROM sessions'),
        ask(`SELECT value FROM notification_meta WHERE key = 'epoch'`),
      ]
      db.close()
      return all
    }
    const [[titles, sessions, epoch], [, , original]] = [read(copy), read(file)]
    assert.deepEqual([titles, sessions], [['Hello'], ['theirs']])
    assert.notDeepEqual(epoch, original)
    assert.match((await belfry(folder.file('new.db'), 'restore', copy)).err, /is no backup of Belfry's/)
  })
})

describe('on a database', () => {
  it('of which a first start made only the tables of the app, all goes on', async () => {
    using folder = new Folder()
    const file = folder.file('belfry.db')
    const db = new Database(file)
    migrateSqlite(db, { folder: new URL('../migrations/app/sqlite/', import.meta.url), ledger: 'app_migrations' })
    db.close()
    assert.equal((await belfry(file, 'user', 'add', 'ada')).code, 0)
    assert.equal((await belfry(file, 'notify', '--to', 'user:ada', '--title', 'x')).code, 0)
  })

  it("of another program, a backup says that it is none of Belfry's", async () => {
    using folder = new Folder()
    new Database(folder.file('songs.db')).exec('CREATE TABLE songs (title TEXT)').close()
    const { code, err } = await belfry(folder.file('songs.db'), 'backup', folder.file('copy.db'))
    assert.deepEqual([code, err], [1, `${folder.file('songs.db')} is no database of Belfry's.\n`])
  })

  it('where nothing can be made, it says so at once', { skip: process.platform !== 'linux' && 'there is no /proc here' }, async () => {
    for (const argv of [['migrate'], ['start'], ['user', 'add', 'ada']]) {
      const { code, err } = await belfry('/proc/nowhere/belfry.db', ...argv)
      assert.equal(code, 1)
      assert.match(err, /^DATABASE_URL="\/proc\/nowhere\/belfry\.db" can't be used: [^\n]+\n$/)
    }
  })
})
