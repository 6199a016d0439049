import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../src/app/config.js'

describe('the settings', () => {
  it('have defaults that a new machine can start with', () => {
    const config = parseConfig({})
    assert.deepEqual([config.port, config.host, config.databasePath], [3000, '127.0.0.1', 'data/belfry.db'])
    assert.deepEqual([config.sessionIdle, config.sessionMax], [604_800, 2_592_000])
    assert.deepEqual([config.adminUsername, config.trustProxy, config.logLevel], ['admin', 0, 'info'])
    assert.deepEqual(
      [config.sessionSecret, config.adminPassword, config.allowedOrigins, config.metricsToken],
      [undefined, undefined, undefined, undefined],
    )
  })

  it('count as unset where they are empty, and others of the environment are nobody’s business', () => {
    assert.deepEqual(parseConfig({ PORT: '', SESSION_SECRET: '', METRICS_TOKEN: '', LANG: 'C', port: 'x' }), parseConfig({}))
  })

  it('are read into what the app works with', () => {
    const config = parseConfig({
      PORT: '0',
      DATABASE_URL: 'file:data/x.db',
      ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
      TRUST_PROXY: 'loopback, 10.0.0.0/8, ::1',
    })
    assert.deepEqual([config.port, config.databasePath], [0, 'data/x.db'])
    assert.deepEqual(config.allowedOrigins, ['https://a.example', 'http://b.example:8080'])
    assert.deepEqual(config.trustProxy, ['loopback', '10.0.0.0/8', '::1'])
    assert.equal(parseConfig({ TRUST_PROXY: '2' }).trustProxy, 2)
    assert.equal(parseConfig({ DATABASE_URL: 'file:///var/lib/b%20c.db' }).databasePath, '/var/lib/b c.db')
  })

  const refused: readonly [string, string][] = [
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3000x'],
    ['PORT', '1e3'],
    ['HOST', 'http://localhost'],
    ['HOST', 'a b'],
    ['DATABASE_URL', 'postgres://localhost/belfry'],
    ['DATABASE_URL', 'mysql://localhost/belfry'],
    ['DATABASE_URL', ':memory:'],
    ['DATABASE_URL', 'file:'],
    ['DATABASE_URL', 'file://host/x'],
    ['BUS_URL', 'redis://localhost'],
    ['SESSION_IDLE_SECONDS', '0'],
    ['SESSION_IDLE_SECONDS', 'a week'],
    ['SESSION_MAX_SECONDS', '1.5'],
    ['SESSION_MAX_SECONDS', '9999999999'],
    ['ALLOWED_ORIGINS', 'https://a.example/'],
    ['ALLOWED_ORIGINS', 'a.example'],
    ['ALLOWED_ORIGINS', 'https://a.example,'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', '*'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', 'proxy.example'],
    ['LOG_LEVEL', 'loud'],
  ]
  for (const [name, value] of refused) {
    it(`refuse ${name}=${value} in one line that names it and says what to write instead`, () => {
      assert.throws(
        () => parseConfig({ [name]: value }),
        (error: Error) => {
          assert.equal(error.name, 'SettingError')
          assert.ok(error.message.startsWith(`${name}=${JSON.stringify(value)} can't be used: `), error.message)
          assert.match(error.message, /\b(give|leave|list)\b/)
          assert.doesNotMatch(error.message, /\n/)
          return true
        },
      )
    })
  }

  it('never repeat a secret that cannot be used', () => {
    assert.throws(
      () => parseConfig({ METRICS_TOKEN: 'two words' }),
      (error: Error) => error.message.startsWith("METRICS_TOKEN can't be used") && !error.message.includes('two words'),
    )
    for (const [name, value] of [
      ['DATABASE_URL', 'postgres://ada:s3cret@db/belfry'],
      ['BUS_URL', 'redis://:s3cret@bus'],
    ] as const) {
      assert.throws(
        () => parseConfig({ [name]: value }),
        (error: Error) => error.message.startsWith(`${name}="`) && !error.message.includes('s3cret'),
      )
    }
  })
})
