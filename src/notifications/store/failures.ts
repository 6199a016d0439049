import { BelfryError, UnavailableError } from '../errors.js'

/** The code of an error of SQLite's, such as SQLITE_BUSY_SNAPSHOT; '' for any other error. */
export function sqliteCode(error: unknown): string {
  if (!(error instanceof Error) || error.name !== 'SqliteError') return ''
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether somebody else holds a lock that will be let go of. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(error))
}

/** What callers get to see: our own errors as they are, and whatever SQLite says as an outage. */
export function asFailure(error: unknown): unknown {
  if (error instanceof BelfryError) return error
  if (isBusy(error)) return new UnavailableError('The database is locked by another connection.', { cause: error })
  if (sqliteCode(error) !== '' || isClosed(error)) return new UnavailableError('The database cannot be used at the moment.', { cause: error })
  return error
}

function isClosed(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'The database connection is not open'
}

/** Between two attempts while somebody else holds the lock, in milliseconds: quick at first, then patient. */
export function backoff(attempt: number): number {
  return Math.min(100, 5 * 2 ** attempt)
}

/** How long an operation is tried again while the database is locked, in milliseconds. */
const WITHIN = 5000
/** And how long once the store is to be closed soon, in milliseconds. */
const HURRIED_WITHIN = 1000

/** For how long what waits for a lock is tried again. */
export class Patience {
  #hurriedAt = Number.POSITIVE_INFINITY

  /** The store is to be closed soon. */
  hurry(): void {
    this.#hurriedAt = Math.min(this.#hurriedAt, performance.now())
  }

  /** Whether an operation that was asked for then, by performance.now(), has been tried long enough. */
  isOver(began: number): boolean {
    const now = performance.now()
    return now - began >= WITHIN || now - Math.max(began, this.#hurriedAt) >= HURRIED_WITHIN
  }
}
