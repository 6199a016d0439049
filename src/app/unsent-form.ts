import { randomUUID } from 'node:crypto'
import type { Response } from 'express'
import { ConflictError, type FieldError, InvalidError, UnavailableError } from '../notifications/index.js'
import { OtherPersonError } from './auth.js'
import type { AppContext } from './context.js'
import { tellOfTrouble } from './errors.js'

/** A form that is shown again, and with which status. */
export interface UnsentForm<Values> {
  readonly values: Values
  readonly errors?: readonly FieldError[]
  /** Why it was not sent although nothing is wrong with it. */
  readonly obstacle?: 'repeated' | 'busy' | 'other-person'
  /** As whom it was filled in, where that is the obstacle. */
  readonly opened?: string
  readonly status: number
}

/**
 * The form again where it can be mended or sent again; throws every other error. One that was sent before with other words gets a key of its own:
 * sending it again is meant.
 */
export function unsentForm<Values extends { readonly idempotencyKey: string }>(
  { log }: AppContext,
  res: Response,
  values: Values,
  error: unknown,
): UnsentForm<Values> {
  if (error instanceof InvalidError) return { values, errors: error.errors, status: 422 }
  if (error instanceof ConflictError) return { values: { ...values, idempotencyKey: randomUUID() }, obstacle: 'repeated', status: 409 }
  if (error instanceof OtherPersonError) return { values, obstacle: 'other-person', opened: error.opened, status: error.status }
  if (!(error instanceof UnavailableError)) throw error
  tellOfTrouble(log, res, error)
  return { values, obstacle: 'busy', status: 503 }
}
