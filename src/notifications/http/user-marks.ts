import { hash } from 'node:crypto'
import { Recent } from '../recent.js'

/** Of those who come again: hashing takes longer than finding. */
const KEPT = 20_000

const marks = new Recent<string, string>(KEPT)

/** What the client needs to tell one user from another, in what tabs share and in what it asks; it is not the id itself. */
export function userMark(user: string): string {
  return markOf(`bell of ${user}`, 12)
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
