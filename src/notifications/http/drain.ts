import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** How long requests that are being answered have, in milliseconds. */
const DRAIN_WITHIN = 5000
/** How often they are looked for meanwhile, in milliseconds. */
const LOOK_EVERY = 20

/** What Node keeps of the connections of a server that still speak HTTP: not of those that were upgraded, whoever did it. */
interface Connections {
  /** Whose request has not come in whole, be it that nothing has come yet. */
  active(): { readonly socket?: Socket }[]
  idle(): { readonly socket?: Socket }[]
}

/**
 * Resolves when no request is being answered by a server: at once where it still takes connections, since then nobody has begun to end it; and
 * after five seconds.
 */
export async function drained(server: HttpServer): Promise<void> {
  const until = performance.now() + DRAIN_WITHIN
  while (!server.listening && (await answers(server)) && performance.now() < until) await pause(LOOK_EVERY)
}

async function answers(server: HttpServer): Promise<boolean> {
  const connections = connectionsOf(server)
  if (connections === undefined) return hasConnections(server)
  // Browsers open connections ahead on which nothing may ever be asked, and Node does not count these as idle.
  if (connections.active().some(({ socket }) => socket !== undefined && socket.bytesRead > 0)) return true
  // Node's own mark for the answer whose turn it is.
  return connections.idle().some(({ socket }) => socket !== undefined && Boolean(Reflect.get(socket, '_httpMessage')))
}

/** Undefined where Node keeps them in another way, and for servers that speak HTTP/2, too, which are not all there. */
function connectionsOf(server: HttpServer): Connections | undefined {
  if (!(server instanceof HttpServer || (server as unknown) instanceof HttpsServer)) return undefined
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connections')
  return key && (Reflect.get(server, key) as Connections | undefined)
}

function hasConnections(server: HttpServer): Promise<boolean> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(!error && count > 0)))
}
