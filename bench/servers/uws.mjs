// A build of uWebSockets.js, which is C++: no sign-in, one topic that all subscribe to.
import uws from '@trufflesuite/uws-js-unofficial'
import { hrtime, obey } from './host.mjs'

const app = uws.App()
app.ws('/*', {
  open(ws) {
    ws.subscribe('all')
  },
})
let port = 0

obey(undefined, {
  listen: () =>
    new Promise((resolve, reject) => {
      app.listen('127.0.0.1', 0, (listening) => {
        if (!listening) reject(new Error('uWebSockets does not listen'))
        port = uws.us_socket_local_port(listening)
        resolve({ port })
      })
    }),
  broadcast({ title }) {
    const began = hrtime()
    app.publish('all', JSON.stringify({ type: 'unread', unread: 1, latest: { title } }))
    return { began }
  },
})
