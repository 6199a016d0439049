/** A process with the plugin in it: says where it listens, does what it is told by `POST /do`, and `end`s by closing what it opened. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { fakeNotifications } from '../../src/notifications/testing.js'

const notifications = fakeNotifications({ database: process.argv[2] ?? ':memory:' })
const app = express()
app.post('/do', express.json(), async (req, res) => {
  const { method, args } = req.body
  if (method === 'end') return void (await end())
  const result = await Reflect.get(notifications, method).apply(notifications, args)
  res.json(result ?? null)
})
const server = createServer(app)
notifications.attach(server)
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))

async function end(): Promise<void> {
  await notifications.close()
  server.close()
  server.closeAllConnections()
}
