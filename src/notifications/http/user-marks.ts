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

/** The mark of the user whose page asks, which its client says in `belfry-for`; null where no client of ours asks. */
export function markIn({ url = '' }: IncomingMessage): string | null {
  const query = url.indexOf('?')
  return query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('belfry-for')
}

/** A page is still its user's after somebody else has signed in: it gets nothing of the other's. */
export function isMeantFor(user: string, req: IncomingMessage): boolean {
  const mark = markIn(req)
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
