import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Installed, repository } from './installed.js'

const run = promisify(execFile)

/** As strict as a compiler gets; declarations of libraries are checked, too. */
const STRICT = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
  },
}

/** A host that uses all of the door; what must not compile says so, and fails the compiler if it does. */
const HOST = `
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createNotifications, InvalidError, type Draft, type Identity, type Item, type Notifications, type Recipients, type State } from 'belfry'
import { fakeNotifications, sessionCookie, testTab, type TestTab } from 'belfry/testing'
import Sqlite from 'better-sqlite3'
import express from 'express'
import session, { MemoryStore } from 'express-session'

declare module 'express-session' {
  interface SessionData {
    userId?: number
  }
}

type IsAny<T> = 0 extends 1 & T ? true : false
function notAny<T>(_value: IsAny<T> extends true ? never : T): void {}

const store = new MemoryStore()
const sessions = session({ secret: 'x', resave: false, saveUninitialized: false, store })
const db = new Sqlite(':memory:')
const notifications: Notifications = createNotifications({
  database: db,
  session: sessions,
  identify: (req): Identity | null => (req.session.userId === undefined ? null : { id: String(req.session.userId), topics: ['role:editor', { name: 'p:7', since: new Date() }] }),
  topicsOf: async (id) => ({ id }),
  layout: ({ title, head, body, res }) => title + head + body + res.locals.notifications.bell(),
  retention: { readAfterDays: 30 },
})

const app = express()
app.use(sessions, notifications.middleware(), notifications.sameOrigin())
app.use(notifications.basePath, notifications.router())
app.get('/', async (_req, res) => {
  notAny(res.locals.notifications)
  const unread: number = res.locals.notifications.unread
  res.send(unread + res.locals.notifications.head() + (await res.locals.notifications.list({ limit: 3, filter: 'unread' })))
})
notifications.attach(createServer(app))
notifications.attach(createSecureServer({}, app))
notifications.attach(app.listen(0))

const stored = await notifications.notify({ to: { user: '7' }, title: 'x', publishAt: new Date(), data: { any: ['thing'] } })
notAny(stored)
notAny(stored.to)
notAny(stored.data)
const replayed: boolean = stored.replayed
const again: Recipients = stored.to
await notifications.notify({ to: again, title: 'the same people' })
const draft: Draft = { to: 'everyone', title: 'x', level: 'warning' }
await notifications.notify(draft)
await notifications.notify({ to: { users: ['7', '8'] as const }, title: 'x' })
await notifications.notify({ to: { topic: 'role:editor' }, title: 'x', body: undefined, url: null })

const state: State = await notifications.markAsRead('7', [stored.id])
const { items, nextCursor } = await notifications.list('7', { filter: 'archived', limit: 10 })
notAny(items)
const item: Item | undefined = items[0]
notAny(item)
const cursor: string | null = nextCursor
const stop: () => void = notifications.on('read', (event) => {
  notAny(event)
  const user: string = event.user
  return 'ids' in event ? event.ids.length : event.upTo.length + user.length
})
notifications.on('connected', ({ user, connections }) => user.repeat(connections))
try {
  await notifications.prune({ unreadAfterDays: 365 })
} catch (error) {
  if (error instanceof InvalidError) error.errors.map(({ field, message }) => field + message)
}
const known = await notifications.exportUser('7')
notAny(known)
notAny(known.notifications[0])

const fake = fakeNotifications()
fake.assertSentTo({ user: '7' }, { title: /x/, level: 'info', to: { user: '7' } })
fake.assertSentTo('everyone', ({ title }) => title === 'x')
const takesReal = (_: Notifications) => {}
takesReal(fake)
const tab: TestTab = await testTab('http://localhost:3000', { cookie: await sessionCookie({ store, secret: 'x', data: { userId: 7 } }) })
notAny(await tab.unread(1, { within: 100 }))
export { replayed, state, cursor, stop, item }

// @ts-expect-error a draft needs somebody to go to
notifications.notify({ title: 'x' })
// @ts-expect-error and a title
notifications.notify({ to: { user: '7' } })
// @ts-expect-error ids are strings
notifications.notify({ to: { user: 7 }, title: 'x' })
// @ts-expect-error there is no such audience
notifications.notify({ to: { role: 'editor' }, title: 'x' })
// @ts-expect-error nor this one
notifications.notify({ to: 'all', title: 'x' })
// @ts-expect-error one of the four, not two
notifications.notify({ to: { user: '7', topic: 'role:editor' }, title: 'x' })
// @ts-expect-error several is a list
notifications.notify({ to: { users: '7' }, title: 'x' })
// @ts-expect-error there is no such level
notifications.notify({ to: 'everyone', title: 'x', level: 'fatal' })
// @ts-expect-error there is no such field
notifications.notify({ to: 'everyone', title: 'x', text: 'y' })
// @ts-expect-error there is no such filter
notifications.list('7', { filter: 'new' })
// @ts-expect-error a cursor is needed
notifications.markAllAsRead('7')
// @ts-expect-error there is no such event
notifications.on('sent', () => {})
// @ts-expect-error options that are needed
createNotifications({ database: 'x' })
// @ts-expect-error there is no such option
createNotifications({ database: 'x', session: sessions, identify: () => null, path: '/x' })
// @ts-expect-error there is no such field to ask for
fake.assertSentTo({ user: '7' }, { subject: 'x' })
// @ts-expect-error what is told is read only
state.unread = 0
`

/** One that imports nothing else, and has a session nevertheless. */
const ALONE = `
import { createNotifications } from 'belfry'

createNotifications({ database: ':memory:', session: (_req, _res, next) => next(), identify: (req) => ({ id: req.session.id }) })
`

export function describeTypes(installed: () => Installed): void {
  describe('a strict TypeScript host', () => {
    for (const [file, source] of [
      ['host.ts', HOST],
      ['alone.ts', ALONE],
    ] as const) {
      it(`compiles against the packed declarations, and what cannot be is a type error (${file})`, async () => {
        const folder = installed().file('typed')
        installed().write('typed/tsconfig.json', JSON.stringify({ ...STRICT, files: [file] }))
        installed().write(`typed/${file}`, source)
        const tsc = join(repository, 'node_modules/typescript/bin/tsc')
        const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((failed: { stdout: string }) => failed)
        assert.equal(stdout, '')
      })
    }
  })
}
