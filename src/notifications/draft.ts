import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type FieldError, InvalidError } from './errors.js'
import { MAX_DATA_BYTES, MAX_RECIPIENTS, type NewNotification, requireLife } from './notification.js'
import { plainDraft } from './plain-draft.js'
import { LEVELS } from './protocol.js'
import { characters, isVisible, parseTime, safeUrl } from './values.js'

const NO_TITLE = 'A title is needed.'

const text = (what: string, max: number, absent = `${what} must be text.`) =>
  z
    .string({ error: ({ input }) => (input === undefined ? absent : `${what} must be text.`) })
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

/** What comes later is written otherwise than protocol and many parsers have it. */
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

const time = (what: string) =>
  z.union([z.date(), z.number(), z.string()], { error: `${what} must be a date.` }).transform((value, context) => {
    const ms = parseTime(value)
    if (ms === null) context.addIssue({ code: 'custom', message: `${what} must be a date: ISO 8601 with an offset, such as 2030-01-31T09:00:00Z.` })
    else if (ms > YEAR_9999) context.addIssue({ code: 'custom', message: `${what} must be in a year of four digits.` })
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
    title: text('The title', 200, NO_TITLE).refine(isVisible, { error: NO_TITLE }),
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

/** Reads a draft from anywhere. Throws InvalidError with one entry for each field at fault. */
export function parseDraft(input: unknown): NewNotification {
  return plainDraft(input) ?? readDraft(input)
}

function readDraft(input: unknown): NewNotification {
  const result = draft.safeParse(input)
  if (!result.success) throw new InvalidError(fieldErrors(result.error))
  const { to, title, body, url, level, category, data, publishAt, expiresAt, idempotencyKey, sender } = result.data
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
    requireLife(parseDraft(input), now)
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

/** One after the other, so that what follows an escaped backslash is not taken for an escape. */
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g

/** Half characters, which JSON escapes and many parsers refuse, become U+FFFD, as in all other text. */
function encodeJson(value: unknown): string | null {
  try {
    return JSON.stringify(value)?.replace(ESCAPES, (found) => (found.startsWith('\\ud') ? '\ufffd' : found)) ?? null
  } catch {
    return null
  }
}
