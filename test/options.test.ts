import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import session from 'express-session'
import { Registry } from 'prom-client'
import { OptionError } from '../src/notifications/errors.js'
import { registerMetrics } from '../src/notifications/metrics.js'
import { type NotificationsOptions, parseOptions } from '../src/notifications/options.js'

const good: NotificationsOptions = {
  database: ':memory:',
  session: session({ secret: 'for tests', resave: false, saveUninitialized: false }),
  identify: () => null,
}

describe('createNotifications', () => {
  it('needs a database, the session and identify, and has a default for all else', () => {
    const { basePath, heartbeat, reconnectWithin, maxConnectionsPerUser, trustProxy } = parseOptions(good)
    assert.deepEqual(
      { basePath, heartbeat, reconnectWithin, maxConnectionsPerUser, trustProxy },
      {
        basePath: '/notifications',
        heartbeat: 25,
        reconnectWithin: 10,
        maxConnectionsPerUser: 20,
        trustProxy: false,
      },
    )
  })

  const used = new Registry()
  registerMetrics(used)
  const bad: Record<string, Record<string, unknown>> = {
    'without a database': { database: undefined },
    'with an empty path': { database: '' },
    'with something that is no database': { database: {} },
    'with the address of a server for a database': { database: 'mysql://localhost/x' },
    'with a path that nothing can have': { database: 'a\0.db' },
    'with the address of a file on another machine': { database: 'file://elsewhere/x.db' },
    'without a session': { session: undefined },
    'with express-session itself in place of its middleware': { session },
    'with an identify that is no function': { identify: 'user' },
    'with a base path that ends in a slash': { basePath: '/notifications/' },
    'with a base path without a slash': { basePath: 'notifications' },
    'with an origin that has a path': { allowedOrigins: ['https://example.com/'] },
    'with an origin that is a word': { allowedOrigins: ['example.com'] },
    'with a heartbeat of 0': { heartbeat: 0 },
    'with a heartbeat of more than a day': { heartbeat: 86_401 },
    'with a return over more than a day': { reconnectWithin: 3e8 },
    'with half a connection': { maxConnectionsPerUser: 0.5 },
    'with a proxy that is no address': { trustProxy: 'my proxy' },
    'with a logger that cannot warn': { logger: { info() {}, error() {} } },
    'with a registry that is none': { registry: {} },
    "with a registry that has Belfry's metrics already": { registry: used },
    'with a public path that ends in a slash': { publicPath: '/tool/' },
    'with a sign-in page on another site': { signInPath: 'https://example.com/' },
  }
  for (const [what, options] of Object.entries(bad)) {
    it(`${what} stops with a sentence that names the option`, () => {
      const [name = ''] = Object.keys(options)
      assert.throws(
        () => parseOptions({ ...good, ...options } as NotificationsOptions),
        (error: unknown) =>
          error instanceof OptionError && error.code === 'bad_option' && error.message.includes(name) && error.message.endsWith('.'),
      )
    })
  }

  it('says of PostgreSQL that it is not there yet', () => {
    for (const database of ['postgres://localhost/x', 'PostgreSQL://ada@db.example/x', 'postgres:x']) {
      assert.throws(() => parseOptions({ ...good, database }), {
        name: OptionError.name,
        message:
          'PostgreSQL is not there yet; the option database takes the path of a file, such as data/app.db, or an open better-sqlite3 Database.',
      })
    }
  })

  it('takes a path as it is, and the address of a file as its path', () => {
    for (const database of ['data/app.db', './notes:2.db', '/srv/a b.db', 'C:\\data\\app.db', ':memory:']) {
      assert.equal(parseOptions({ ...good, database }).database, database)
    }
    assert.equal(parseOptions({ ...good, database: 'file:data/app.db' }).database, 'data/app.db')
    assert.equal(parseOptions({ ...good, database: 'file:///srv/a%20b.db' }).database, '/srv/a b.db')
  })

  it('gives an example of a path that fits the option', () => {
    assert.throws(() => parseOptions({ ...good, basePath: '/a/' }), { message: /such as \/notifications, without a slash at the end/ })
    assert.throws(() => parseOptions({ ...good, signInPath: '/a/' }), { message: /such as \/sign-in, without a slash at the end/ })
  })

  it('with an option that does not exist names it', () => {
    assert.throws(() => parseOptions({ ...good, colour: 'red' } as NotificationsOptions), { message: 'There is no option colour.' })
  })

  it('takes addresses and hops of proxies as Express does', () => {
    for (const trustProxy of [true, 1, 'loopback', '10.0.0.0/8, ::1', ['loopback', '192.168.0.0/16']]) {
      assert.deepEqual(parseOptions({ ...good, trustProxy }).trustProxy, trustProxy)
    }
  })
})
