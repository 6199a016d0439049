import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Recent } from '../recent.js'

/** Of those who come again: hashing takes longer than finding. */
const KEPT = 20_000

const marks = new Recent<string, string>(KEPT)

/** What the client needs to tell one user from another, in what tabs share and in what it asks; it is not the id itself. */
export function userMark(user: string): string {
  return markOf(`bell of ${user}`, 12)
}

/**
 * A page that somebody else has signed in behind is still the page of the one before: its client says in `belfry-for`
 * whose it is, and gets nothing of the other's.
 */
export function isMeantFor(user: string, { url = '' }: IncomingMessage): boolean {
  const query = url.indexOf('?')
  const mark = query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('belfry-for')
  return mark === null || mark === userMark(user)
}

/** The mark of a user, with what tells the answers to polls of one database from those of another. */
export function pollMark(user: string, epoch: string): string {
  return markOf(`poll of ${epoch} ${user}`, 22)
}

function markOf(text: string, length: number): string {
  const known = marks.get(text)
  if (known !== undefined) return known
  const mark = hash('sha256', text, 'base64url').slice(0, length)
  marks.set(text, mark)
  return mark
}
