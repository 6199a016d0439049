import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import express from 'express'
import { createNotifications, type Notifications } from '../../src/notifications/index.js'
import { testTab } from '../../src/notifications/testing.js'
import { eventually } from '../helpers/eventually.js'
import { Folder, Served, sessions } from './served.js'

const run = promisify(execFile)

/** How any other process writes SQL into a database file. */
const writers = {
  'a shell': (file: string, sql: string) => run('sqlite3', ['-cmd', '.timeout 5000', file, sql]),
  Python: (file: string, sql: string) =>
    run('python3', ['-c', 'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript(sys.argv[2])\ndb.close()', file, sql]),
  PHP: (file: string, sql: string) => run('php', ['-r', '(new PDO("sqlite:$argv[1]"))->exec($argv[2]);', '--', file, sql]),
}
/** Why one of them cannot be tried on this machine; nothing where it can. */
const missing = new Map<string, string>()
for (const [name, command] of Object.entries({ 'a shell': 'sqlite3', Python: 'python3', PHP: 'php' })) {
  await run(command, ['--version']).catch(() => missing.set(name, `${command} is not installed`))
}

async function host(folder: Folder) {
  const { middleware, signIn } = sessions()
  const warnings: object[] = []
  const notifications = createNotifications({
    database: folder.file('host.db'),
    session: middleware,
    identify: (req) => (req.session.user === undefined ? null : { id: req.session.user, topics: ['role:editor'] }),
    logger: { info() {}, warn: (details) => void warnings.push(details), error: (details) => void warnings.push(details) },
  })
  const served = await Served.start(express(), (server) => notifications.attach(server), notifications)
  return { notifications, served, signIn, warnings, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

const titles = async (notifications: Notifications, user: string) => (await notifications.list(user)).items.map(({ title }) => title)

describe('while a server runs', () => {
  for (const [name, write] of Object.entries(writers)) {
    const skip = missing.get(name) ?? false
    it(`${name} rings the bell with an INSERT, changes it with an UPDATE and takes it back with a DELETE`, { skip }, async () => {
      using folder = new Folder()
      await using there = await host(folder)
      const file = folder.file('host.db')
      await using ada = await there.served.tab({ cookie: await there.signIn('ada') })
      await using bo = await there.served.tab({ cookie: await there.signIn('bo') })
      await write(file, `INSERT INTO notifications (audience, title) VALUES ('user:ada', 'Backup done')`)
      await ada.unread(1, { within: 1000 })
      assert.equal(ada.arrived[0]?.title, 'Backup done')
      await write(
        file,
        `INSERT INTO notifications (audience, title) VALUES ('topic:role:editor', 'Read this');
         INSERT INTO notifications (audience, title, level, url) VALUES ('everyone', 'Down at ten', 'warning', 'https://status.example/');`,
      )
      await ada.unread(3, { within: 1000 })
      await bo.unread(2, { within: 1000 })
      await write(file, `UPDATE notifications SET title = 'Backup done twice' WHERE audience = 'user:ada'`)
      await eventually(
        async () => (await titles(there.notifications, 'ada')).includes('Backup done twice'),
        () => 'the new title',
      )
      await write(file, `DELETE FROM notifications WHERE audience = 'everyone'`)
      await ada.unread(2, { within: 1000 })
      await bo.unread(1, { within: 1000 })
      assert.deepEqual(await titles(there.notifications, 'bo'), ['Read this'])
    })
  }

  it('nonsense from outside harms nobody: it is in no inbox, it is logged without its content, and its link is none', async () => {
    using folder = new Folder()
    await using there = await host(folder)
    await using ada = await there.served.tab({ cookie: await there.signIn('ada') })
    const bad = [
      `(7, 'a number')`,
      `('nobody', 'kind')`,
      `('user:', 'empty')`,
      `(NULL, 'null')`,
      `('user:ada', NULL)`,
      `('user:ada', x'00ff')`,
      `('user:ada', 'secret ${'x'.repeat(300)}')`,
    ]
    await writers['a shell'](folder.file('host.db'), bad.map((row) => `INSERT INTO notifications (audience, title) VALUES ${row};`).join('\n'))
    await writers['a shell'](
      folder.file('host.db'),
      `INSERT INTO notifications (audience, title, url, level, data) VALUES ('user:ada', 'Link', 'javascript:alert(1)', 'loud', '{oops')`,
    )
    await ada.unread(1, { within: 1000 })
    const [item] = (await there.notifications.list('ada')).items
    assert.deepEqual([item?.title, item?.url, item?.level, item?.data], ['Link', null, 'info', null])
    await eventually(
      () => there.warnings.length >= bad.length,
      () => `logged ${there.warnings.length} of ${bad.length}`,
    )
    assert.ok(!JSON.stringify(there.warnings).includes('secret'))
  })
})

describe('two processes on one file', () => {
  it('serve the same users: what either does reaches the sockets of both', async () => {
    using folder = new Folder()
    await using one = await Other.start(folder.file('shared.db'))
    await using two = await Other.start(folder.file('shared.db'))
    await using here = await testTab(one.url, { user: 'ada' })
    await using there = await testTab(two.url, { user: 'ada' })
    const { id } = await one.do<{ id: string }>('notify', { to: { user: 'ada' }, title: 'From one' })
    for (const tab of [here, there]) await tab.unread(1, { within: 1000 })
    await two.do('notify', { to: 'everyone', title: 'From two' })
    for (const tab of [here, there]) await tab.unread(2, { within: 1000 })
    await two.do('markAsRead', 'ada', id)
    for (const tab of [here, there]) await tab.unread(1, { within: 1000 })
    assert.deepEqual(here.state, there.state)
    await one.do('disconnect', { user: 'ada' })
    assert.deepEqual([await here.ended(), await there.ended()], [4401, 4401])
  })

  it('forget a user in both when one is told to, and close the sockets of both', async () => {
    using folder = new Folder()
    await using one = await Other.start(folder.file('shared.db'))
    await using two = await Other.start(folder.file('shared.db'))
    await using here = await testTab(one.url, { user: 'ada' })
    await using there = await testTab(two.url, { user: 'ada' })
    await one.do('notify', { to: { user: 'ada' }, title: 'Forget me' })
    await there.unread(1)
    await one.do('eraseUser', 'ada')
    assert.deepEqual([await here.ended(), await there.ended()], [4401, 4401])
    assert.equal(await two.do('unreadCount', 'ada'), 0)
  })

  it('one that is killed leaves the other, and all that it had acknowledged', async () => {
    using folder = new Folder()
    await using one = await Other.start(folder.file('shared.db'))
    await using two = await Other.start(folder.file('shared.db'))
    await using tab = await testTab(two.url, { user: 'ada' })
    await one.do('notify', { to: { user: 'ada' }, title: 'Acknowledged' })
    await one.kill()
    await tab.unread(1, { within: 1000 })
    await two.do('notify', { to: { user: 'ada' }, title: 'Still here' })
    await tab.unread(2, { within: 1000 })
  })
})

describe('a process that embeds it', () => {
  it('ends by itself after close(), with its server closed and sockets open', async () => {
    using folder = new Folder()
    await using other = await Other.start(folder.file('ending.db'))
    await using tab = await testTab(other.url, { user: 'ada' })
    const exit = once(other.child, 'exit')
    void other.do('end').catch(() => {})
    assert.equal(await tab.ended(), 1012)
    assert.deepEqual(await exit, [0, null])
  })
})

/** Another process with the plugin in it, which does what it is told over HTTP. */
class Other implements AsyncDisposable {
  readonly child: ChildProcess
  url = ''

  private constructor(child: ChildProcess) {
    this.child = child
  }

  static async start(database: string): Promise<Other> {
    const child = spawn(process.execPath, ['--import', 'tsx', `${import.meta.dirname}/other-process.ts`, database], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const other = new Other(child)
    const [line] = await once(child.stdout ?? assert.fail(), 'data')
    other.url = String(line).trim()
    return other
  }

  async do<T>(method: string, ...args: unknown[]): Promise<T> {
    const answer = await fetch(`${this.url}/do`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method, args }),
    })
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()) as T
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
