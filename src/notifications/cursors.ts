import { MalformedError } from './errors.js'
import { FILTERS, type Filter } from './protocol.js'
import type { Page } from './store/store.js'

/** Which part of an inbox: newest first, or oldest first with `after`. */
export interface ListQuery {
  /** `all` unless told: everything that is not archived. */
  readonly filter?: Filter | undefined
  readonly category?: string | undefined
  /** A cursor: only what is older than it. */
  readonly before?: string | undefined
  /** A cursor: only what is newer than it, oldest first. */
  readonly after?: string | undefined
  /** 1 to 100; 25 unless told. */
  readonly limit?: number | undefined
}

/** Positions in a list as texts that clients hand back. Each names the epoch: after a restore, an old one must not mark as read what nobody has seen. */
export class Cursors {
  readonly #database: { readonly epoch: string }

  constructor(database: { readonly epoch: string }) {
    this.#database = database
  }

  at(position: number): string {
    return `${position.toString(36)}-${this.#mark}`
  }

  /** Throws MalformedError for what is no cursor of this database. */
  position(cursor: string, field: string): number {
    const [, digits, mark] = /^([0-9a-z]{1,10})-([0-9a-z]{6})$/.exec(cursor) ?? []
    if (digits === undefined || mark !== this.#mark) {
      throw malformed(field, `${field} is not a cursor of this inbox: take one from the list, as it is.`)
    }
    return Number.parseInt(digits, 36)
  }

  /** Throws MalformedError, by the parameter at fault. */
  page({ filter = 'all', category, before, after, limit }: ListQuery): Page {
    if (!FILTERS.includes(filter)) throw malformed('filter', `The filter must be one of ${FILTERS.join(', ')}.`)
    // Hosts pass on what stands in an address, where it may come twice.
    if (typeof (category ?? '') !== 'string') throw malformed('category', 'The category must be text.')
    if (before !== undefined && after !== undefined) throw malformed('after', 'Give before or after, not both.')
    return {
      filter,
      category: category ?? null,
      before: before === undefined ? null : this.position(before, 'before'),
      after: after === undefined ? null : this.position(after, 'after'),
      limit: parseLimit(limit),
    }
  }

  get #mark(): string {
    return this.#database.epoch.slice(0, 6)
  }
}

const PAGE = { usual: 25, most: 100 }

/** How many are wanted at once: of a page 1 to 100, 25 unless told. Throws MalformedError for anything else. */
export function parseLimit(limit: number | undefined, { usual, most } = PAGE): number {
  if (limit === undefined) return usual
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw malformed('limit', `The limit must be a whole number from 1 to ${most.toLocaleString('en')}.`)
  }
  return limit
}

function malformed(field: string, message: string): MalformedError {
  return new MalformedError(message, [{ field, message }])
}
