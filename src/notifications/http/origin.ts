import type { IncomingMessage } from 'node:http'
import express, { type Express, type Request } from 'express'
import type { Options } from '../options.js'

const readers = new WeakMap<Options, Express>()

/**
 * Whether the `Origin` of a request may connect and post: one of `allowedOrigins` where those are configured, else the
 * scheme and host that the request itself came by, as `trustProxy` lets them be seen. A missing, unreadable or `null`
 * one never may.
 */
export function allowedOrigin(req: IncomingMessage, options: Options): boolean {
  const { origin } = req.headers
  if (typeof origin !== 'string' || originOf(origin) !== origin) return false
  return options.allowedOrigins?.includes(origin) ?? origin === ownOrigin(req, options)
}

/** Gives a request that did not come through Express (that of an upgrade) what hosts expect of one: `get`, `ip`, `protocol`, `host`, `query`. */
export function asExpressRequest(req: IncomingMessage, options: Options): Request {
  return Object.setPrototypeOf(req, readerOf(options).request)
}

function ownOrigin(req: IncomingMessage, options: Options): string | undefined {
  const seen: Request = Object.create(readerOf(options).request, { headers: { value: req.headers }, socket: { value: req.socket } })
  // Some proxies forward the scheme of a socket as ws or wss; its page has http or https.
  return originOf(`${seen.protocol.replace(/^ws/, 'http')}://${seen.host}`)
}

/** An application that only reads requests by `trustProxy`, whatever the host's own says; nothing is routed through it. */
function readerOf(options: Options): Express {
  const known = readers.get(options)
  if (known !== undefined) return known
  const reader = express()
  reader.set('trust proxy', options.trustProxy)
  readers.set(options, reader)
  return reader
}

function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin } = new URL(url)
  return origin === 'null' ? undefined : origin
}
