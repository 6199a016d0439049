import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type FieldError, InvalidError } from './errors.js'
import { plainDraft } from './plain-draft.js'
import { LEVELS, type Level } from './protocol.js'
import { characters, parseTime, safeUrl } from './values.js'

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

const text = (what: string, max: number) =>
  z
    .string({ error: `${what} must be text.` })
    .transform((value) => value.toWellFormed().replaceAll('\r\n', '\n').trim())
    .refine((value) => !value.includes('\0'), { error: `${what} must not contain a NUL character.` })
    .refine((value) => characters(value) <= max, { error: `${what} can have at most ${max.toLocaleString('en')} characters.` })

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => (value === undefined || value === '' ? null : value))

const id = (what: string) =>
  z
    .string({ error: `${what} must be a string.` })
    .min(1, { error: `${what} must not be empty.` })
    .max(255, { error: `${what} can have at most 255 characters.` })
    .refine((value) => !value.includes('\0') && value.isWellFormed(), { error: `${what} has characters that cannot be stored.` })

/** Who somebody is, as an opaque string: 1 to 255 characters. */
export const userId = id('The id of a user')

/** The name of a topic: 1 to 200 characters without spaces, such as `role:editor`. */
export const topicName = z
  .string({ error: 'A topic must be a string.' })
  .regex(/^[^\s\0]{1,200}$/u, { error: 'A topic is a name of 1 to 200 characters without spaces, such as role:editor.' })

const toShape = "Say whom it is for: { user: '7' }, { users: ['7', '8'] }, { topic: 'role:editor' } or 'everyone'."

const recipients = z.union(
  [
    z.literal('everyone'),
    z.strictObject({ user: userId }),
    z.strictObject({
      users: z
        .array(userId)
        .min(1, { error: 'Name at least one user.' })
        .max(MAX_RECIPIENTS, { error: `At most ${MAX_RECIPIENTS.toLocaleString('en')} users can be named; address more through a topic.` })
        .transform((ids) => [...new Set(ids)]),
    }),
    z.strictObject({ topic: topicName }),
  ],
  { error: toShape },
)

const time = (what: string) =>
  z.union([z.date(), z.number(), z.string()], { error: `${what} must be a date.` }).transform((value, context) => {
    const ms = parseTime(value)
    if (ms === null) context.addIssue({ code: 'custom', message: `${what} must be a date: ISO 8601 with an offset, such as 2030-01-31T09:00:00Z.` })
    return ms ?? 0
  })

const link = text('The link', 2048).transform((value, context) => {
  const href = safeUrl(value)
  if (href === null && value !== '')
    context.addIssue({ code: 'custom', message: 'The link must start with https://, http:// or / (a path of this site).' })
  return href
})

const json = z.unknown().transform((value, context) => {
  if (value === undefined || value === null) return null
  const encoded = encodeJson(value)
  if (encoded === null) context.addIssue({ code: 'custom', message: 'The data must be something that JSON can hold.' })
  else if (Buffer.byteLength(encoded) > MAX_DATA_BYTES)
    context.addIssue({ code: 'custom', message: `The data can have at most ${MAX_DATA_BYTES.toLocaleString('en')} bytes as JSON.` })
  return encoded
})

const draft = z.strictObject(
  {
    to: recipients,
    title: text('The title', 200).refine((value) => value !== '', { error: 'A title is needed.' }),
    body: optional(text('The text', 5000)),
    url: optional(link),
    level: optional(z.enum(LEVELS, { error: `The level must be one of ${LEVELS.join(', ')}.` })).transform((v) => v ?? 'info'),
    category: optional(text('The category', 64)),
    data: json.optional().transform((value) => value ?? null),
    publishAt: optional(time('The time to publish')),
    expiresAt: optional(time('The time to expire')),
    idempotencyKey: optional(text('The idempotency key', 200)),
    sender: optional(id('The sender')),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `There is no field ${issue.keys.join(', ')}.` : 'A notification is an object with to and title.',
  },
)

/**
 * Reads a draft from anywhere. Throws InvalidError with one entry for each field at fault.
 * @param now milliseconds since 1970
 */
export function parseDraft(input: unknown, now = Date.now()): NewNotification {
  return plainDraft(input) ?? readDraft(input, now)
}

function readDraft(input: unknown, now: number): NewNotification {
  const result = draft.safeParse(input)
  if (!result.success) throw new InvalidError(fieldErrors(result.error))
  const { to, title, body, url, level, category, data, publishAt, expiresAt, idempotencyKey, sender } = result.data
  if (expiresAt !== null && expiresAt <= Math.max(now, publishAt ?? 0)) {
    const message =
      publishAt !== null && publishAt > now ? 'It must expire after it is published.' : 'It would have expired already: choose a later time.'
    throw new InvalidError([{ field: 'expiresAt', message }])
  }
  const contentHash = idempotencyKey === null ? null : hashOf(result.data)
  // Not a spread: what zod makes has no shape of its own, and would slow whoever reads the copy.
  return { to, title, body, url, level, category, data, publishAt, expiresAt, idempotencyKey, sender, contentHash }
}

/** Of the same content, in whatever order a client writes users and keys. */
function hashOf({ idempotencyKey, sender, ...content }: z.infer<typeof draft>): string {
  const { to, data } = content
  const whom = typeof to === 'object' && 'users' in to ? { users: to.users.toSorted() } : to
  const said = data === null ? null : JSON.stringify(JSON.parse(data), inOrder)
  return createHash('sha256')
    .update(JSON.stringify({ ...content, to: whom, data: said }))
    .digest('base64url')
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * What is wrong with a draft, one entry for each field at fault; nothing where `notify` would take it. For a form that says all at once.
 * @example const errors = checkDraft({ to: { user: '7' }, title: req.body.title })
 * @param now milliseconds since 1970
 */
export function checkDraft(input: unknown, now = Date.now()): readonly FieldError[] {
  try {
    parseDraft(input, now)
    return []
  } catch (error) {
    if (error instanceof InvalidError) return error.errors
    throw error
  }
}

function fieldErrors(error: z.ZodError): FieldError[] {
  const seen = new Map<string, FieldError>()
  for (const issue of error.issues) {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    const field = String(issue.path[0] ?? unknown ?? 'to')
    if (!seen.has(field)) seen.set(field, { field, message: firstMessage(issue) })
  }
  return [...seen.values()]
}

/** Of a union that failed, the branch that came nearest knows best what is wrong: the one whose problem lies deepest. */
function firstMessage(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message
  const deep = issue.errors.flat().find((inner) => inner.path.length > 0 && inner.code !== 'invalid_type')
  return deep?.message ?? issue.message
}

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

function encodeJson(value: unknown): string | null {
  try {
    return JSON.stringify(value)?.toWellFormed() ?? null
  } catch {
    return null
  }
}
