import { BelfryError } from '../errors.js'
import type { RefusalReason } from '../metrics.js'
import type { HttpContext } from './context.js'

const REFUSALS = {
  origin: { status: 403, code: 'foreign_origin', detail: 'Live connections may only be opened by pages of this site.' },
  session: { status: 401, code: 'signed_out', detail: 'Sign in to be told of your notifications.' },
  user_full: { status: 429, code: 'too_many_connections', detail: 'You have too many live connections open.', retryAfter: 60 },
  full: { status: 503, code: 'full', detail: 'No more live connections can be taken at the moment.', retryAfter: 10 },
  unavailable: { status: 503, code: 'unavailable', detail: 'Whether you are signed in cannot be told at the moment.', retryAfter: 5 },
  protocol: { status: 400, code: 'malformed', detail: 'This is not a request for a live connection that can be answered here.' },
} as const satisfies Record<RefusalReason, { status: number; code: string; detail: string; retryAfter?: number }>

/** Why a live connection was not opened; as HTTP, before anything was upgraded. */
export class Refusal extends BelfryError {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, cause?: unknown) {
    const { status, code, detail, ...more } = REFUSALS[reason]
    super(code, status, detail, { ...more, cause })
    this.reason = reason
  }
}

/** Whatever went wrong while asking who is there is an outage of ours, never somebody's being signed out. */
export function refusalOf(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal('unavailable', error)
}

/** Counts it and writes it down, where it is an outage with what caused it. */
export function noteRefusal({ reason, status, cause }: Refusal, { metrics, options: { logger } }: HttpContext): void {
  metrics.refused(reason)
  if (reason === 'unavailable') logger.warn({ err: cause }, 'a live connection was refused, as it cannot be told who is there')
  else logger.info({ reason, status }, 'a live connection was refused')
}
