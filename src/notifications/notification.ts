import { InvalidError } from './errors.js'
import type { Level } from './protocol.js'

/** Whom a stored notification addresses. Ids of users are opaque strings; the host says who is in a topic. */
export type Recipients = { readonly user: string } | { readonly users: readonly string[] } | { readonly topic: string } | 'everyone'

type Only<K extends 'user' | 'users' | 'topic', V> = { readonly [P in K]: V } & { readonly [P in Exclude<'user' | 'users' | 'topic', K>]?: never }

/**
 * What `to` of a draft takes, exactly one of the four: one user, several (at most 5,000; more are a topic), a topic, everyone.
 * @example { user: '7' } · { users: ['7', '8'] } · { topic: 'role:editor' } · 'everyone'
 */
export type Audience = Only<'user', string> | Only<'users', readonly string[]> | Only<'topic', string> | 'everyone'

/**
 * What a host gives to `notify`. Text is text: nothing in it is read as HTML.
 * @example
 * const draft: Draft = {
 *   to: { topic: 'role:editor' },
 *   title: 'The server restarts at ten',
 *   level: 'warning',
 *   publishAt: '2030-01-31T09:00:00Z',
 *   expiresAt: '2030-01-31T10:00:00Z',
 * }
 */
export interface Draft {
  /** Whom it is for. */
  readonly to: Audience
  /** 1 to 200 characters of plain text. */
  readonly title: string
  /** Plain text, to 5,000 characters. */
  readonly body?: string | null | undefined
  /** An http or https address, or a path of this site such as `/posts/1#c9`. */
  readonly url?: string | null | undefined
  /** `info` unless told. */
  readonly level?: Level | null | undefined
  /** What it is about, for filters and preferences; to 64 characters. */
  readonly category?: string | null | undefined
  /** Anything that JSON can hold, to 4,096 bytes. `data.from`, where it is a string, is shown as the sender's name. */
  readonly data?: unknown
  /** When it appears: a Date, ISO 8601 with an offset, or milliseconds. Absent or past: at once. */
  readonly publishAt?: Date | string | number | null | undefined
  /** When it disappears again; must be later than `publishAt` and now. */
  readonly expiresAt?: Date | string | number | null | undefined
  /** The same key of the same sender stores one notification, however often it is sent; to 200 characters. */
  readonly idempotencyKey?: string | null | undefined
  /** Who sends it, for the list of what was sent and for `idempotencyKey`: an opaque string of the host's. */
  readonly sender?: string | null | undefined
}

/** A draft that has been read once and cannot be wrong any more. Times in milliseconds since 1970. */
export interface NewNotification {
  readonly to: Recipients
  readonly title: string
  readonly body: string | null
  readonly url: string | null
  readonly level: Level
  readonly category: string | null
  /** JSON text. */
  readonly data: string | null
  readonly publishAt: number | null
  readonly expiresAt: number | null
  readonly idempotencyKey: string | null
  readonly sender: string | null
  /** What `idempotencyKey` is held against: a hash of everything else. Null without a key. */
  readonly contentHash: string | null
}

/** A stored notification, as its sender sees it. Times are ISO 8601 in UTC; what is absent is null. */
export interface Notification {
  readonly id: string
  readonly to: Recipients
  readonly title: string
  readonly body: string | null
  readonly url: string | null
  readonly level: Level
  readonly category: string | null
  readonly data: unknown
  readonly sender: string | null
  readonly createdAt: string
  readonly publishAt: string | null
  readonly expiresAt: string | null
  readonly recalledAt: string | null
}

export const MAX_RECIPIENTS = 5000
export const MAX_DATA_BYTES = 4096

/**
 * The audience column of the `notifications` table, which other processes may write too: `user:<id>`,
 * `topic:<name>`, `everyone`; several users are `users`, with a row each in `notification_recipients`.
 */
export function audienceOf(to: Recipients): string {
  if (to === 'everyone') return 'everyone'
  if ('user' in to) return `user:${to.user}`
  if ('topic' in to) return `topic:${to.topic}`
  return 'users'
}

/**
 * Throws InvalidError where it would be gone before anybody could see it. Not part of reading a draft: one that is sent again under its key was
 * stored in time, however late it is now.
 * @param now milliseconds since 1970
 */
export function requireLife({ publishAt, expiresAt }: Pick<NewNotification, 'publishAt' | 'expiresAt'>, now: number): void {
  if (expiresAt === null || expiresAt > Math.max(now, publishAt ?? 0)) return
  const planned = publishAt !== null && publishAt > now
  const message = planned ? 'It must expire after it is published.' : 'It would have expired already: choose a later time.'
  throw new InvalidError([{ field: 'expiresAt', message }])
}
