import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import type { Request } from 'express'
import { asExpressRequest } from '../../src/notifications/http/origin.js'
import { parseOptions } from '../../src/notifications/options.js'

it('a request that Express never saw reads as Express would read it, and stays as Node made it', async () => {
  const options = parseOptions({ database: ':memory:', session: (_req, _res, next) => next(), identify: () => null, trustProxy: 1 })
  let seen: { readonly view: Request; readonly req: IncomingMessage } | undefined
  const server = createServer((req, res) => {
    seen = { view: asExpressRequest(req, options), req }
    res.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const headers = {
    'X-Forwarded-For': '10.1.2.3',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'app.example',
    'X-As': 'ada',
    Connection: 'close',
  }
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/notifications/unread?belfry-for=x`, { headers })
  server.close()
  assert.ok(seen)
  const { view, req } = seen
  assert.deepEqual(
    [view.method, view.path, view.originalUrl, view.get('X-As'), view.ip, view.protocol, view.host, { ...view.query }],
    ['GET', '/notifications/unread', req.url, 'ada', '10.1.2.3', 'https', 'app.example', { 'belfry-for': 'x' }],
  )
  Reflect.set(view, 'session', {})
  assert.equal(Object.getPrototypeOf(req), IncomingMessage.prototype)
  assert.equal('session' in req, false)
})
