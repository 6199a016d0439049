import type { Ending } from '../ending.js'

const USER = 'signed-out:'
const SESSION = 'session:'

/** What says of a change that it says whose connections are to end. */
export const IS_ENDING = `(audience GLOB '${SESSION}*' OR audience GLOB '${USER}*')`

/** How it is written among the changes, beside its moment. */
export function writtenAs(ending: Ending): string {
  return 'user' in ending ? USER + ending.user : SESSION + ending.session
}

/** Undefined for all other changes. */
export function endingOf(audience: string, at: number | null): Ending | undefined {
  // A process of an older version gives no moment: it meant all whom the others know.
  if (audience.startsWith(USER)) return { user: audience.slice(USER.length), at: at ?? Date.now() }
  if (audience.startsWith(SESSION)) return { session: audience.slice(SESSION.length), at: at ?? Date.now() }
  return undefined
}
