import { MAX_DATA_BYTES, type Notification, type Recipients } from '../notification.js'
import { LEVELS, type Level } from '../protocol.js'
import { characters, isoTime, parseTime, safeUrl } from '../values.js'
import type { Row } from './store.js'

/** Columns of a stored notification, whichever process has written them. */
export interface RawContent {
  readonly id: string
  readonly title: string
  readonly body: string | null
  readonly url: unknown
  readonly level: unknown
  readonly category: unknown
  readonly data: unknown
}

/** A notification in one inbox, as COLUMNS and then the three that are the user's. A tuple, as naming the columns of each row takes half as long as reading it. */
export type RawRow = readonly [
  position: number,
  published_at: number,
  id: string,
  title: string,
  body: string | null,
  url: unknown,
  level: unknown,
  category: unknown,
  data: unknown,
  expires_at: number | null,
  read_at: number | null,
  archived_at: number | null,
  unread: number,
]

/** Of a delivery `d` and what was delivered, `n`. */
export const COLUMNS = 'd.position, d.published_at, n.id, n.title, n.body, n.url, n.level, n.category, n.data, n.expires_at'

/** A notification as its sender sees it. */
export interface RawNotification extends RawContent {
  readonly audience: unknown
  readonly sender: unknown
  readonly created_at: unknown
  readonly publish_at: number | null
  readonly expires_at: number | null
  readonly recalled_at: number | null
}

/** One delivery with its content, as it reads to somebody who has done nothing with it. */
export const AS_IF_UNTOUCHED = `
  SELECT ${COLUMNS}, NULL, NULL, 1
  FROM notification_deliveries d JOIN notification_facts n ON n.seq = d.notification WHERE d.position = ?`

/** Foreign rows are mended where they are read: an unknown level is info, a link that is none is no link. */
export function rowOf([position, publishedAt, id, title, body, url, level, category, data, expiresAt, readAt, archivedAt, unread]: RawRow): Row {
  const content = contentOf({ id, title, body, url, level, category, data })
  return {
    position,
    id: content.id,
    title: content.title,
    body: content.body,
    url: content.url,
    level: content.level,
    category: content.category,
    data: content.data,
    state: archivedAt !== null ? 'archived' : unread === 1 ? 'unread' : 'read',
    publishedAt,
    readAt: time(readAt ?? archivedAt),
    expiresAt: time(expiresAt),
  }
}

export function notificationOf(raw: RawNotification, users: readonly string[]): Notification {
  return {
    to: recipientsOf(raw.audience, users),
    ...contentOf(raw),
    sender: text(raw.sender),
    createdAt: iso(raw.created_at) ?? new Date(0).toISOString(),
    publishAt: iso(raw.publish_at),
    expiresAt: iso(raw.expires_at),
    recalledAt: raw.recalled_at === null ? null : (iso(raw.recalled_at) ?? new Date(0).toISOString()),
  }
}

export function contentOf(raw: RawContent) {
  return {
    id: String(raw.id),
    title: text(raw.title) ?? '',
    body: text(raw.body),
    url: safeUrl(raw.url),
    level: LEVELS.find((level): level is Level => level === raw.level) ?? 'info',
    category: categoryOf(raw.category),
    data: json(raw.data),
  }
}

function recipientsOf(audience: unknown, users: readonly string[]): Recipients {
  const address = text(audience) ?? ''
  if (address.startsWith('user:')) return { user: address.slice('user:'.length) }
  if (address.startsWith('topic:')) return { topic: address.slice('topic:'.length) }
  return address === 'everyone' ? 'everyone' : { users }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function categoryOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && characters(value) <= 64 ? value : null
}

/** What is longer than we take is dropped: nested deeply enough it could be parsed, but not be written as JSON again. */
function json(value: unknown): unknown {
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_DATA_BYTES) return null
  try {
    return JSON.parse(value)
  } catch {
    return null
  }
}

function time(value: unknown): number | null {
  return typeof value === 'number' ? parseTime(value) : null
}

/** A time of a foreign row may be anything: null for what is none. */
export function iso(value: unknown): string | null {
  const ms = time(value) ?? (typeof value === 'string' ? parseTime(`${value.trim().replace(' ', 'T')}Z`) : null)
  return ms === null ? null : isoTime(ms)
}
