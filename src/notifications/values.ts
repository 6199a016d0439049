/** What means the same wherever it turns up: times, links, lengths. Nothing here throws. */

/** Milliseconds since 1970 of a Date, a number of milliseconds, or ISO 8601 text with an offset; null for anything else. */
export function parseTime(value: unknown): number | null {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(value)
          ? Date.parse(value)
          : Number.NaN
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? Math.trunc(ms) : null
}

/**
 * The address as it may stand in an href: http, https, or a path of this site. Null for anything else, `//host` and
 * `/\host` included, which browsers read as another site.
 */
export function safeUrl(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2048 || /[\0-\x20\x7f\\]/.test(value)) return null
  // After one slash a URL parser takes anything for a path, so there is nothing that parsing could find.
  if (value.startsWith('/')) return value.startsWith('//') ? null : value
  return /^https?:\/\//i.test(value) && URL.canParse(value) ? value : null
}

/** How many characters a person would count: code points, as SQLite's `length` does. */
export function characters(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

/** What most ids look like: these need no schema. */
export function isPlainId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,255}$/.test(value)
}
