import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import { destination, type Logger, pino } from 'pino'
import { pinoHttp } from 'pino-http'
import { BelfryError } from '../notifications/index.js'

/** Logs go to standard error: standard output says where the app listens, and nothing else. */
export function createLog(level: string): Logger {
  // Not synchronous, or a reader who stopped reading would stop the event loop; beyond 4 MB lines are dropped.
  const stderr = destination({ dest: 2, sync: false, maxLength: 4_194_304 })
  // A full disk must end nothing. At the end pino would try to write what is left for as long as it takes, with everything standing still:
  // it may only where the last attempt went well.
  const { flushSync } = stderr
  stderr
    .on('error', () => {
      stderr.flushSync = () => {}
    })
    .on('write', () => {
      stderr.flushSync = flushSync
    })
  return pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, serializers: { err: describe } }, stderr)
}

/** A line for each request with an id that the answer carries, too. Of the request only method and path: no query, header or body. */
export function logRequests(log: Logger): RequestHandler {
  return pinoHttp({
    logger: log,
    genReqId: (_req, res) => {
      const id = randomUUID()
      res.setHeader('X-Request-Id', id)
      return id
    },
    serializers: {
      req: (req: { id: string; method: string; url: string }) => ({ id: req.id, method: req.method, path: pathOf(req.url) }),
      res: (res: { statusCode: number }) => ({ status: res.statusCode }),
    },
    // Whoever answers with 500 or more has logged why; pino-http would add an error of its own, with a stack.
    customErrorObject: (_req, { statusCode }, _error, told) => (statusCode >= 500 ? { res: told.res, responseTime: told.responseTime } : told),
    customLogLevel: (_req, res, error) => (error !== undefined || res.statusCode >= 500 ? 'warn' : 'info'),
  })
}

/** An address that names the server, as proxies are sent, may hold a password. */
function pathOf(url: string): string {
  return url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').split('?', 1)[0] ?? ''
}

/** Errors of body parsers carry the body, and those of drivers what they were given: only what tells where it broke is logged. */
function describe(error: unknown): unknown {
  return describeWith({ stack: !(error instanceof BelfryError) || error.status === 500 }, error)
}

/** What we throw on purpose, as long as a part is out for every request, says why without a stack. */
function describeWith(wanted: { readonly stack: boolean }, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code: unknown = Reflect.get(error, 'code')
  const cause = error.cause === undefined ? undefined : describeWith(wanted, error.cause)
  return { type: error.name, message: error.message, code, stack: wanted.stack ? error.stack : undefined, cause }
}
