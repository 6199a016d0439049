import type { IncomingMessage } from 'node:http'
import express, { type Request } from 'express'
import type { Options } from '../options.js'

type RequestView = new (req: IncomingMessage) => Request

const views = new WeakMap<Options, RequestView>()
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

/** Which those are, in words. */
export function expectedOrigins(req: IncomingMessage, options: Options): string {
  return (options.allowedOrigins ?? [ownOrigin(req, options)]).join(' and ')
}

/** The same few origins ask again and again. */
function answersOf(options: Options): Map<string, boolean> {
  const known = answered.get(options) ?? new Map<string, boolean>()
  answered.set(options, known)
  return known
}

/**
 * A request that did not come through Express (that of an upgrade, or ahead of the app), with what hosts expect of one: `get`, `ip`, `protocol`, `host`,
 * `query`, and room for a session. Not the request itself: given another prototype, it would be slow to whoever reads it.
 */
export function asExpressRequest(req: IncomingMessage, options: Options): Request {
  return new (viewOf(options))(req)
}

function ownOrigin(req: IncomingMessage, options: Options): string | undefined {
  const seen = asExpressRequest(req, options)
  // Some proxies forward the scheme of a socket as ws or wss; its page has http or https.
  return originOf(`${seen.protocol.replace(/^ws/, 'http')}://${seen.host}`)
}

function viewOf(options: Options): RequestView {
  const known = views.get(options) ?? createView(options)
  views.set(options, known)
  return known
}

/** Reads as an application does that trusts proxies as `trustProxy` says, whatever the host's own does; nothing is routed through it. */
function createView({ trustProxy }: Options): RequestView {
  const app = express()
  app.set('trust proxy', trustProxy)
  function RequestView(this: Request, req: IncomingMessage): void {
    this.method = req.method ?? 'GET'
    this.url = req.url ?? '/'
    this.originalUrl = this.url
    this.headers = req.headers
    this.rawHeaders = req.rawHeaders
    this.socket = req.socket
    this.httpVersion = req.httpVersion
    this.httpVersionMajor = req.httpVersionMajor
    this.httpVersionMinor = req.httpVersionMinor
    this.complete = req.complete
  }
  RequestView.prototype = app.request
  return RequestView as unknown as RequestView
}

/** Undefined where a URL has none, or is none. */
export function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin } = new URL(url)
  return origin === 'null' ? undefined : origin
}
