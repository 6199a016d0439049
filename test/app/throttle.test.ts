import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SignInThrottle } from '../../src/app/throttle.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const wrong = async () => undefined
const right = async () => 'ada'

describe('sign-ins', () => {
  it('fail ten times for one name and address, then are refused, whatever the case of the name; other names and addresses are not', async () => {
    const throttle = new SignInThrottle()
    for (let n = 0; n < 10; n++) await throttle.attempt('ada', '192.0.2.1', wrong)
    await assert.rejects(throttle.attempt('ADA', '192.0.2.1', right), (error: { status: number; retryAfter: number }) => {
      return error.status === 429 && error.retryAfter > 890 && error.retryAfter <= 900
    })
    assert.equal(await throttle.attempt('bob', '192.0.2.1', right), 'ada')
    assert.equal(await throttle.attempt('ada', '192.0.2.2', right), 'ada')
  })

  it('are counted for a whole network of IPv6', async () => {
    const throttle = new SignInThrottle()
    for (let n = 0; n < 10; n++) await throttle.attempt('ada', `2001:db8::${n}`, wrong)
    await assert.rejects(throttle.attempt('ada', '2001:db8::ff', right))
  })

  it('are counted for an address that a proxy tells with its port as for the address alone', async () => {
    const throttle = new SignInThrottle()
    for (let port = 50_000; port < 50_010; port++) {
      await throttle.attempt('ada', `192.0.2.1:${port}`, wrong)
      await throttle.attempt('ada', `[2001:db8::1]:${port}`, wrong)
    }
    for (const address of ['192.0.2.1:50010', '192.0.2.1', '[2001:db8::2]', '2001:db8::1'])
      await assert.rejects(throttle.attempt('ada', address, right))
    assert.equal(await throttle.attempt('ada', '192.0.2.2:50000', right), 'ada')
  })

  it('that succeed, or break, count for nothing', async () => {
    const throttle = new SignInThrottle()
    const broken = () => Promise.reject(new Error('the database is out'))
    for (let n = 0; n < 200; n++) {
      await throttle.attempt('ada', '192.0.2.1', right)
      await assert.rejects(throttle.attempt('ada', '192.0.2.1', broken), /out/)
    }
    for (let n = 0; n < 10; n++) await throttle.attempt('ada', '192.0.2.1', wrong)
    await assert.rejects(throttle.attempt('ada', '192.0.2.1', right))
  })

  it('are possible again after a quarter of an hour, and as often', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1e12 })
    const throttle = new SignInThrottle()
    for (let n = 0; n < 10; n++) await throttle.attempt('ada', '192.0.2.1', wrong)
    t.mock.timers.tick(899_000)
    await assert.rejects(throttle.attempt('ada', '192.0.2.1', right))
    t.mock.timers.tick(1000)
    for (let n = 0; n < 10; n++) await throttle.attempt('ada', '192.0.2.1', wrong)
    await assert.rejects(throttle.attempt('ada', '192.0.2.1', right))
  })

  it('that are refused, each with another name, leave nothing in memory', async () => {
    const throttle = new SignInThrottle()
    for (let n = 0; n < 100; n++) await throttle.attempt(`somebody-${n}`, '192.0.2.1', wrong)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < 100_000; n++) await assert.rejects(throttle.attempt(`another-${n}`, '192.0.2.1', wrong))
    collect()
    const grown = (process.memoryUsage().heapUsed - before) / 1e6
    assert.ok(grown < 5, `${grown} MB`)
    await assert.rejects(throttle.attempt('another', '192.0.2.1', right))
  })

  it('that succeed, each with another name from another address, leave nothing either', async () => {
    const throttle = new SignInThrottle()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < 50_000; n++) await throttle.attempt(`somebody-${n}`, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, right)
    collect()
    const grown = (process.memoryUsage().heapUsed - before) / 1e6
    assert.ok(grown < 3, `${grown} MB`)
  })

  it('that fail from ever more addresses cost a bounded amount: the oldest are forgotten', async () => {
    const throttle = new SignInThrottle()
    const fail = (n: number) => throttle.attempt('ada', `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, wrong)
    for (let n = 0; n < 110_000; n++) await fail(n)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 110_000; n < 210_000; n++) await fail(n)
    collect()
    const grown = (process.memoryUsage().heapUsed - before) / 1e6
    assert.ok(grown < 15, `${grown} MB`)
  })

  it('of a quarter of an hour ago leave nothing, once somebody fails again', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1e12 })
    const throttle = new SignInThrottle()
    await throttle.attempt('ada', '192.0.2.1', wrong)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < 50_000; n++) await throttle.attempt('ada', `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, wrong)
    t.mock.timers.tick(900_000)
    await throttle.attempt('ada', '192.0.2.1', wrong)
    collect()
    const grown = (process.memoryUsage().heapUsed - before) / 1e6
    assert.ok(grown < 3, `${grown} MB`)
    await throttle.attempt('ada', '192.0.2.1', right)
  })
})
