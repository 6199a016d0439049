import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { Folder } from './embedding/served.js'
import { eventually } from './helpers/eventually.js'
import { bin } from './helpers/server.js'

/** What begins the app. */
const starts = [
  { name: 'belfry start', begin: [bin, 'start'] },
  { name: 'npm start', begin: [fileURLToPath(new URL('../scripts/start.mjs', import.meta.url))] },
]

const whereFull = { skip: !existsSync('/dev/full') && 'there is no /dev/full here' }

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a line of shell, in which `belfry` is the program. */
function shell(database: string, line: string): Promise<Ran> {
  const belfry = `belfry() { "${process.execPath}" "${bin}" "$@"; }`
  const env = { PATH: process.env.PATH ?? '', DATABASE_URL: database }
  return new Promise((resolve) => {
    execFile('sh', ['-c', `${belfry}; ${line}`], { env, maxBuffer: 1e8 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

describe('what the command line writes', () => {
  it('comes through a pipe whole, however much it is', async () => {
    using folder = new Folder()
    const file = folder.file('belfry.db')
    assert.equal((await shell(file, 'belfry migrate')).code, 0)
    const db = new Database(file)
    const insert = db.prepare(`INSERT INTO users (username, password_hash, role, role_since, created_at) VALUES (?, 'x', 'member', 0, 0)`)
    db.transaction(() => {
      for (let n = 0; n < 5000; n++) insert.run(`somebody-${n}`)
    })()
    db.close()
    const { code, out, err } = await shell(file, `{ belfry user list --json; echo "exit $?" >&2; } | cat`)
    assert.deepEqual([code, err], [0, 'exit 0\n'])
    assert.equal((JSON.parse(out) as unknown[]).length, 5000)
  })

  it('may be more than somebody wants to read', async () => {
    using folder = new Folder()
    const { out, err } = await shell(folder.file('belfry.db'), `{ belfry --help; echo "exit $?" >&2; } | head -n 1`)
    assert.deepEqual([out, err], ['Usage: belfry COMMAND\n', 'exit 0\n'])
  })

  it('and cannot is no success', whereFull, async () => {
    using folder = new Folder()
    for (const line of ['belfry migrate', 'belfry user list', 'belfry --help', 'belfry notify --help']) {
      const { code, err } = await shell(folder.file('belfry.db'), `${line} > /dev/full`)
      assert.equal(code, 1, line)
      assert.match(err, /^Standard output cannot be written to \(ENOSPC[^\n]+\n$/, line)
    }
  })

  it('and cannot, where it was a secret, comes with what to do instead', whereFull, async () => {
    using folder = new Folder()
    for (const [line, instead] of [
      ['token add cron', /'belfry token revoke 1', and make another\.\n$/],
      ['user add ada', /'belfry user password ada' makes another\.\n$/],
      ['user password ada', /'belfry user password ada' makes another\.\n$/],
    ] as const) {
      const { code, err } = await shell(folder.file('belfry.db'), `belfry ${line} > /dev/full`)
      assert.equal(code, 1, line)
      assert.match(err, /^Standard output cannot be written to \(ENOSPC[^\n]+\n$/, line)
      assert.match(err, instead)
    }
  })

  for (const { name, begin } of starts)
    it(`of the first admin and cannot, too, while the app runs on, begun by ${name}`, whereFull, async (t) => {
      using folder = new Folder()
      const [file, full] = [folder.file('belfry.db'), openSync('/dev/full', 'w')]
      const env = { PATH: process.env.PATH ?? '', DATABASE_URL: file, PORT: '0', LOG_LEVEL: 'silent' }
      const app = spawn(process.execPath, begin, { env, stdio: ['ignore', full, 'pipe'] })
      closeSync(full)
      t.after(() => app.kill('SIGKILL'))
      const ended = once(app, 'exit')
      let err = ''
      app.stderr?.on('data', (chunk: Buffer) => {
        err += chunk.toString()
      })
      await eventually(
        () => err.endsWith('\n') || app.exitCode !== null,
        () => 'it says nothing',
        30_000,
      )
      assert.match(
        err,
        /^Standard output cannot be written to \(ENOSPC[^\n]+ Nobody knows the password of admin now: 'belfry user password admin' makes another\.\n$/,
      )
      assert.match((await shell(file, 'belfry user password admin')).out, /^Sign in as admin with password \S+\n$/)
      app.kill('SIGTERM')
      assert.deepEqual(await ended, [0, null])
    })
})
