/** What is wrong with one field of the input; `message` is a whole sentence for the person who typed it. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

interface Details {
  readonly errors?: readonly FieldError[]
  readonly retryAfter?: number
  readonly cause?: unknown
}

/**
 * Every error that Belfry throws on purpose. `code` is a stable word to branch on, `status` the HTTP status that
 * fits it, `errors` names the fields at fault, `retryAfter` is in seconds and stands where trying again may help.
 */
export class BelfryError extends Error {
  readonly code: string
  readonly status: number
  readonly errors: readonly FieldError[]
  readonly retryAfter: number | undefined

  constructor(code: string, status: number, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.status = status
    this.errors = details.errors ?? []
    this.retryAfter = details.retryAfter
  }
}

/** The request cannot be read as what it claims to be: an unknown filter, a broken cursor, a repeated parameter. */
export class MalformedError extends BelfryError {
  constructor(message: string, errors: readonly FieldError[] = []) {
    super('malformed', 400, message, { errors })
  }
}

/** Understood, but not acceptable; `errors` has one entry for each field at fault. */
export class InvalidError extends BelfryError {
  constructor(errors: readonly FieldError[], message = errors.map((e) => e.message).join(' ')) {
    super('invalid', 422, message, { errors })
  }
}

/** There is no such thing, or it is somebody else's: the two are never told apart. */
export class NotFoundError extends BelfryError {
  constructor(message = 'There is no such notification.') {
    super('not_found', 404, message)
  }
}

/** The same idempotency key was used by this sender for something else. */
export class ConflictError extends BelfryError {
  constructor(message: string) {
    super('conflict', 409, message)
  }
}

/** A part that is needed is out or busy; nothing was changed, and trying again after `retryAfter` seconds may help. */
export class UnavailableError extends BelfryError {
  constructor(message: string, details: { readonly retryAfter?: number; readonly cause?: unknown } = {}) {
    super('unavailable', 503, message, { retryAfter: details.retryAfter ?? 2, cause: details.cause })
  }
}

/** An option that `createNotifications` cannot work with. */
export class OptionError extends BelfryError {
  constructor(message: string) {
    super('bad_option', 500, message)
  }
}

/** The database is not one that this version can work on: a foreign table, a newer schema, a changed migration. */
export class SchemaError extends BelfryError {
  constructor(message: string) {
    super('schema', 500, message)
  }
}
