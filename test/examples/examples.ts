import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, renameSync } from 'node:fs'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { testTab } from '../../src/notifications/testing.js'
import { type Installed, Person, Running } from './installed.js'

const run = promisify(execFile)

/** Drives each example from outside, as its reader would. */
export function describeExamples(installed: () => Installed): void {
  describe('examples', () => {
    it('minimal: two people sign in, one tells the other, and the bell of the other counts at once', async () => {
      const folder = installed().copy('examples/minimal', 'minimal')
      assert.ok(readFileSync(`${folder}/app.js`, 'utf8').split('\n').length < 40, 'about thirty lines')
      await using app = await Running.start(`${folder}/app.js`)
      const [ada, bo] = [new Person(app.url), new Person(app.url)]
      assert.doesNotMatch(await ada.get('/'), /<notification-bell/)
      await ada.post('/sign-in', { user: 'ada' })
      await bo.post('/sign-in', { user: 'bo' })
      assert.match(await bo.get('/'), /<notification-bell unread="0"/)
      await using tab = await testTab(app.url, { cookie: bo.cookie })
      await ada.post('/send', { to: 'bo', title: 'Lunch?' })
      await tab.unread(1)
      assert.deepEqual(
        tab.arrived.map(({ title, data }) => [title, data]),
        [['Lunch?', { from: 'ada' }]],
      )
      assert.match(await bo.get('/'), /<notification-bell unread="1"/)
      assert.match(await bo.get('/notifications'), /Lunch\?/)
      assert.equal((await new Person(app.url).post('/send', { to: 'bo', title: 'Unasked' })).status, 302)
      assert.equal(tab.state.unread, 1, 'who is signed out sends nothing')
    })

    it('minimal: while npm takes the package away and puts another version there, what runs goes on as it was', async () => {
      const folder = installed().copy('examples/minimal', 'installed-anew')
      await using app = await Running.start(`${folder}/app.js`)
      const bo = new Person(app.url)
      await bo.post('/sign-in', { user: 'bo' })
      await whilePackageIsAway(installed(), async () => {
        assert.match(await bo.get('/'), /assets\/belfry\.js\?v=[\s\S]*<notification-bell unread="0"/)
        assert.match(await bo.get('/notifications'), /<h1/)
        assert.equal((await fetch(`${app.url}/notifications/assets/panel.js`)).status, 200)
      })
    })

    it('the app: while npm takes the package away, its pages are there, with their styles and scripts', async () => {
      const start = `process.argv.push('start')\nawait import('../node_modules/belfry/dist/bin.js')`
      await using app = await Running.start(installed().write('centre/start.js', start), { ADMIN_PASSWORD: 'a password for tests' })
      const admin = new Person(app.url)
      await whilePackageIsAway(installed(), async () => {
        assert.match(await admin.get('/login'), /name="password"/)
        await admin.post('/login', { username: 'admin', password: 'a password for tests' })
        const page = await admin.get('/account')
        assert.match(page, /Here since<\/dt><dd><time/)
        const addresses = [...page.matchAll(/(?:href|src)="([^"]+\.(?:css|js|svg)[^"]*)"/g)].map(([, address]) => address)
        assert.match(addresses.join(' '), /app\.css.*belfry\.svg|belfry\.svg.*app\.css/)
        for (const address of addresses) assert.equal((await fetch(`${app.url}${address}`)).status, 200, address)
      })
    })

    it('passport-local: a comment rings the bell of the others, and is stored with it or not at all', async () => {
      const folder = installed().copy('examples/passport-local', 'passport-local')
      await using app = await Running.start(`${folder}/app.js`)
      const [ada, bo] = [new Person(app.url), new Person(app.url)]
      for (const [person, name] of [
        [ada, 'ada'],
        [bo, 'bo'],
      ] as const) {
        const answer = await person.post('/sign-in', { username: name, password: `${name}'s password` })
        assert.equal(answer.headers.get('location'), '/')
      }
      const wrong = await new Person(app.url).post('/sign-in', { username: 'ada', password: 'wrong' })
      assert.equal(wrong.headers.get('location'), '/sign-in')
      await using tab = await testTab(app.url, { cookie: ada.cookie })
      await bo.post('/comments', { text: 'Well said!' })
      await tab.unread(1)
      const home = await ada.get('/')
      assert.match(home, /<notification-bell unread="1"/)
      assert.match(home, /<h2>Latest<\/h2>\s*<ol[\s\S]*bo commented/)
      assert.match(await bo.get('/'), /<notification-bell unread="0"/)
      assert.equal((await bo.post('/comments', { text: '' })).status, 500, 'the table refuses an empty comment')
      assert.equal(tab.state.unread, 1, 'and nobody heard of it')
      await ada.post('/sign-out')
      assert.equal(await tab.ended(), 4401)
    })

    it('plain-insert: a shell, Python and PHP ring the bell of a running app', async (t) => {
      const scripts = installed().copy('examples/plain-insert', 'plain-insert')
      const folder = installed().copy('examples/minimal', 'plain-insert-host')
      await using app = await Running.start(`${folder}/app.js`)
      const ada = new Person(app.url)
      await ada.post('/sign-in', { user: 'ada' })
      await using tab = await testTab(app.url, { cookie: ada.cookie })
      let count = 0
      for (const [command, script] of [
        ['sh', 'insert.sh'],
        ['python3', 'insert.py'],
        ['php', 'insert.php'],
      ] as const) {
        if (!(await exists(command))) {
          t.diagnostic(`${command} is not installed: ${script} was not tried`)
          continue
        }
        await run(command, [`${scripts}/${script}`, `${folder}/app.db`, 'ada', `It's ${command}`])
        await tab.unread(++count, { within: 1000 })
        assert.equal(tab.arrived.at(-1)?.title, `It's ${command}`)
      }
      assert.ok(count >= 2)
    })

    it('name in their package.json all that they import', () => {
      for (const example of ['minimal', 'passport-local']) {
        const folder = installed().copy(`examples/${example}`, `imports-of-${example}`)
        const { dependencies } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { dependencies: Record<string, string> }
        const sources = example === 'minimal' ? ['app.js'] : ['app.js', 'users.js']
        const imported = sources.flatMap((file) =>
          [...readFileSync(`${folder}/${file}`, 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name ?? ''),
        )
        assert.deepEqual(
          imported.filter((name) => !name.startsWith('node:') && !(name in dependencies)),
          [],
        )
      }
    })
  })
}

async function exists(command: string): Promise<boolean> {
  return run(command, command === 'sh' ? ['-c', 'command -v sqlite3'] : ['--version']).then(
    () => true,
    () => false,
  )
}

/** What an install begins with, for as long as `work` takes. */
async function whilePackageIsAway(installed: Installed, work: () => Promise<void>): Promise<void> {
  const belfry = installed.file('node_modules/belfry')
  renameSync(belfry, `${belfry}.away`)
  await work().finally(() => renameSync(`${belfry}.away`, belfry))
}
