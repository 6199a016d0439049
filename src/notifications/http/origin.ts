import type { IncomingMessage } from 'node:http'
import express, { type Express, type Request } from 'express'
import type { Options } from '../options.js'

const readers = new WeakMap<Options, Express>()
const answered = new WeakMap<Options, Map<string, boolean>>()

/**
 * Whether the `Origin` of a request may connect and post: one of `allowedOrigins` where those are configured, else the
 * scheme and host that the request itself came by, as `trustProxy` lets them be seen. A missing, unreadable or `null`
 * one never may.
 */
export function allowedOrigin(req: IncomingMessage, options: Options): boolean {
  const { origin, host } = req.headers
  if (typeof origin !== 'string') return false
  // Behind a proxy more than these decide.
  const question = options.trustProxy === false && host !== undefined ? `${origin} ${host} ${'encrypted' in req.socket}` : undefined
  const answers = answersOf(options)
  const known = question === undefined ? undefined : answers.get(question)
  if (known !== undefined) return known
  const allowed = originOf(origin) === origin && (options.allowedOrigins?.includes(origin) ?? origin === ownOrigin(req, options))
  if (question !== undefined && question.length < 512 && answers.size < 1000) answers.set(question, allowed)
  return allowed
}

/** The same few origins ask again and again. */
function answersOf(options: Options): Map<string, boolean> {
  const known = answered.get(options) ?? new Map<string, boolean>()
  answered.set(options, known)
  return known
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
