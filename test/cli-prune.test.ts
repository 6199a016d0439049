import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { run } from '../src/cli.js'
import { createNotifications } from '../src/notifications/index.js'
import { Folder } from './embedding/served.js'

/** Runs a command line on a database; returns its exit code and what it wrote. */
async function belfry(database: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  const to = (name: 'out' | 'err') => ({
    write(text: string) {
      written[name] += text
    },
  })
  const code = await run(argv, to('out'), to('err'), { env: { DATABASE_URL: database }, input: (async function* () {})() })
  return { code, ...written }
}

describe('belfry prune', () => {
  it('takes out what is old, on the database of any app, and leaves its other tables alone', async () => {
    using folder = new Folder()
    const file = folder.file('host.db')
    const notifications = createNotifications({ database: file, session: () => {}, identify: () => null })
    const { id } = await notifications.notify({ to: { user: 'ada' }, title: 'Read' })
    await notifications.notify({ to: { user: 'ada' }, title: 'Unread' })
    await notifications.markAsRead('ada', id)
    const db = new Sqlite(file)
    db.exec(`UPDATE notification_receipts SET read_at = read_at - 31 * 86400000; UPDATE notifications SET created_at = created_at - 31 * 86400000`)
    const tables = () => db.prepare(`SELECT name FROM sqlite_master ORDER BY name`).pluck().all()
    const before = tables()
    assert.deepEqual(await belfry(file, 'prune', '--read-after-days', '30', '--json'), { code: 0, out: '{"removed":1,"deleted":1}\n', err: '' })
    assert.deepEqual(await belfry(file, 'prune', '--read-after-days', '30', '--unread-after-days', '0.5'), {
      code: 0,
      out: 'Took 0 out of inboxes, deleted 0 notifications.\n',
      err: '',
    })
    assert.deepEqual(
      (await notifications.list('ada')).items.map(({ title }) => title),
      ['Unread'],
    )
    assert.deepEqual(tables(), before)
    await notifications.close()
    db.close()
  })

  it('says what is wrong with its command line, and does nothing then', async () => {
    using folder = new Folder()
    const file = folder.file('none.db')
    const wrong: [string[], number, RegExp][] = [
      [[], 2, /--read-after-days or --unread-after-days is missing\./],
      [['--read-after-days', 'thirty'], 2, /--read-after-days takes a number of days\./],
      [['--unread-after-days', '0'], 2, /--unread-after-days takes a number of days\./],
      [['--read-after-days', '30'], 1, /There is no database at .*none\.db/],
    ]
    for (const [options, code, message] of wrong) {
      const answer = await belfry(file, 'prune', ...options)
      assert.equal(answer.code, code, options.join(' '))
      assert.match(answer.err, message)
    }
    assert.match((await belfry(file, 'prune', '--help')).out, /Usage: belfry prune \[options\]/)
  })
})
