import { userId } from './draft.js'
import { InvalidError, NotFoundError } from './errors.js'
import { isPlainId } from './values.js'

/** As many as one transaction marks without holding anybody up for long. */
const MOST_MARKED = 1000
const TOO_MANY = 'At most 1,000 notifications can be marked at once: mark them in several calls, or call markAllAsRead.'

/** Throws InvalidError for what cannot be the id of a user. */
export function parseUser(user: string): string {
  if (isPlainId(user)) return user
  const result = userId.safeParse(user)
  if (result.success) return result.data
  throw new InvalidError([{ field: 'user', message: result.error.issues[0]?.message ?? 'The id of a user must be a string.' }])
}

/** Throws NotFoundError for what is no text: no notification has such an id. */
export function parseId(id: string): string {
  if (typeof id !== 'string') throw new NotFoundError()
  return id
}

/** Several notifications that are to be marked. Throws InvalidError for what is no list of strings, and for too long a one. */
export function parseIds(ids: unknown): string[] {
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) throw invalidIds('Say which: the id of a notification, or a list of ids.')
  if (ids.length > MOST_MARKED) throw invalidIds(TOO_MANY)
  return ids
}

function invalidIds(message: string): InvalidError {
  return new InvalidError([{ field: 'id', message }])
}
