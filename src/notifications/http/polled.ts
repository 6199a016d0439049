import type { ServerResponse } from 'node:http'
import type { BelfryError } from '../errors.js'
import { problemOf } from './problem.js'
import { pollMark } from './user-marks.js'
import type { Visit } from './visit.js'

/** What a poll is answered with, whoever answers it. */
export interface PollAnswer {
  readonly etag: string
  /** Undefined where the poller has this state already: 304. */
  readonly body: string | undefined
}

/** The tag names user and epoch, hashed, and the version; the count is not in it. */
export function pollAnswer({ person, state }: Visit, ifNoneMatch: string | undefined): PollAnswer {
  const { epoch, version, unread } = state
  const etag = `"${pollMark(person.id, epoch)}-${version}"`
  return {
    etag,
    body:
      ifNoneMatch !== undefined && (ifNoneMatch.includes(etag) || ifNoneMatch.trim() === '*')
        ? undefined
        : JSON.stringify({ epoch, version, unread }),
  }
}

const POLL_HEADERS = { 'Cache-Control': 'private, no-cache', Vary: 'Cookie, Accept' } as const

/** Without Express. */
export function sendPollAnswer(res: ServerResponse, { etag, body }: PollAnswer): void {
  if (body === undefined) {
    res.writeHead(304, { ...POLL_HEADERS, ETag: etag }).end()
    return
  }
  const described = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) }
  res.writeHead(200, { ...POLL_HEADERS, ETag: etag, ...described }).end(body)
}

/** Without Express. */
export function refusePoll(res: ServerResponse, error: BelfryError): void {
  const body = JSON.stringify(problemOf(error))
  const described = { 'Content-Type': 'application/problem+json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) }
  const again = error.retryAfter === undefined ? {} : { 'Retry-After': Math.ceil(error.retryAfter) }
  res.writeHead(error.status, { ...POLL_HEADERS, ...described, ...again }).end(body)
}
