import type { NewNotification } from './notification.js'
import { LEVELS, type Level } from './protocol.js'
import { isPlainId, safeUrl } from './values.js'

type Fields = { readonly [field: string]: unknown }

const PLAIN = new Set(['to', 'title', 'body', 'url', 'level', 'category', 'sender'])

/**
 * What the schema of drafts would make of this, where it would neither change nor refuse anything; undefined where it has to decide. Most of
 * what hosts send is such, and the schema takes ten times as long.
 */
export function plainDraft(input: unknown): NewNotification | undefined {
  if (!isPlainObject(input)) return undefined
  for (const field in input) if (!PLAIN.has(field)) return undefined
  const { to, title, body, url, level, category, sender } = input
  const plain =
    (to === 'everyone' || isOneUser(to)) &&
    isTidy(title, 200) &&
    (isAbsent(body) || isTidy(body, 5000)) &&
    (isAbsent(url) || (isTidy(url, 2048) && safeUrl(url) !== null)) &&
    (isAbsent(level) || isLevel(level)) &&
    (isAbsent(category) || isTidy(category, 64)) &&
    (isAbsent(sender) || isPlainId(sender))
  if (!plain) return undefined
  return {
    // The host may go on to use its own object for the next.
    to: to === 'everyone' ? to : { user: to.user },
    title,
    body: body ?? null,
    url: url ?? null,
    level: level ?? 'info',
    category: category ?? null,
    data: null,
    publishAt: null,
    expiresAt: null,
    idempotencyKey: null,
    sender: sender ?? null,
    contentHash: null,
  }
}

function isPlainObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function isOneUser(to: unknown): to is { readonly user: string } {
  if (!isPlainObject(to)) return false
  for (const key in to) if (key !== 'user') return false
  return isPlainId(to.user)
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function isLevel(value: unknown): value is Level {
  return LEVELS.includes(value as Level)
}

/** Text that is stored as it is: there are never more characters than code units. */
function isTidy(value: unknown, max: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max && !/[\0\r]/.test(value) && value.trim() === value && value.isWellFormed()
}
