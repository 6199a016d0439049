import type { NewNotification } from './notification.js'
import { LEVELS, type Level } from './protocol.js'
import { isPlainId, isVisible, safeUrl } from './values.js'

type Fields = { readonly [field: string]: unknown }

const PLAIN = new Set(['to', 'title', 'body', 'url', 'level', 'category', 'sender'])
const ONE_USER = new Set(['user'])

/**
 * What the schema of drafts would make of this, where it would neither change nor refuse anything; undefined where it has to decide. Most of
 * what hosts send is such, and the schema takes ten times as long.
 */
export function plainDraft(input: unknown): NewNotification | undefined {
  if (!isPlainObject(input) || !hasOnly(PLAIN, input)) return undefined
  const { to, title, body, url, level, category, sender } = input
  const recipients = plainRecipients(to)
  if (recipients === undefined || !isTidy(title, 200) || !isVisible(title) || !isTidyOrAbsent(body, 5000) || !isTidyOrAbsent(category, 64))
    return undefined
  if (!isLinkOrAbsent(url) || !isLevelOrAbsent(level) || !isIdOrAbsent(sender)) return undefined
  return {
    to: recipients,
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

function hasOnly(fields: ReadonlySet<string>, value: Fields): boolean {
  for (const field in value) if (!fields.has(field)) return false
  return true
}

/** Not the host's own object, which it may go on to use for the next. */
function plainRecipients(to: unknown): NewNotification['to'] | undefined {
  if (to === 'everyone') return to
  return isPlainObject(to) && hasOnly(ONE_USER, to) && isPlainId(to.user) ? { user: to.user } : undefined
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

/** Text that is stored as it is: there are never more characters than code units. */
function isTidy(value: unknown, max: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max && !/[\0\r]/.test(value) && value.trim() === value && value.isWellFormed()
}

function isTidyOrAbsent(value: unknown, max: number): value is string | null | undefined {
  return isAbsent(value) || isTidy(value, max)
}

function isLinkOrAbsent(value: unknown): value is string | null | undefined {
  return isAbsent(value) || (isTidy(value, 2048) && safeUrl(value) !== null)
}

function isLevelOrAbsent(value: unknown): value is Level | null | undefined {
  return isAbsent(value) || LEVELS.includes(value as Level)
}

function isIdOrAbsent(value: unknown): value is string | null | undefined {
  return isAbsent(value) || isPlainId(value)
}
