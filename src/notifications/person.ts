import { z } from 'zod'
import { topicName, userId } from './draft.js'
import { OptionError } from './errors.js'
import { isPlainId, parseTime } from './values.js'

/** A moment, as hosts have it: a Date, ISO 8601 with an offset, or milliseconds since 1970. */
export type Moment = Date | string | number

/**
 * A topic that somebody is in, and since when; without `since`, since always.
 * @example 'role:editor' · { name: 'project:7', since: user.joinedAt }
 */
export type Membership = string | { readonly name: string; readonly since?: Moment | null | undefined }

/**
 * What `identify` and `topicsOf` answer: who somebody is, and what of the broadcasts is theirs.
 * @example { id: String(user.id), since: user.createdAt, topics: [`role:${user.role}`] }
 */
export interface Identity {
  /** Opaque, 1 to 255 characters. */
  readonly id: string
  /** The topics that this person is in. */
  readonly topics?: readonly Membership[] | undefined
  /** Since when broadcasts to everyone are theirs; usually when the account was made. Without it, since always. */
  readonly since?: Moment | null | undefined
}

/** An identity that has been read once. Times in milliseconds since 1970, 0 for always. */
export interface Person {
  readonly id: string
  readonly since: number
  /** Topic → since when; in the order of their names. */
  readonly topics: ReadonlyMap<string, number>
  /** The same memberships have the same key, and nobody else's; '' for a person without topics since always. */
  readonly key: string
}

const SINCE = 'since must be a Date, ISO 8601 with an offset such as 2030-01-31T09:00:00Z, or milliseconds since 1970.'

const moment = z
  .union([z.date(), z.string(), z.number()], { error: SINCE })
  .nullish()
  .transform((value, context) => {
    const ms = value === null || value === undefined ? 0 : parseTime(value)
    if (ms === null) context.addIssue({ code: 'custom', message: SINCE })
    return ms ?? 0
  })

const topic = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  z.object({ name: topicName, since: moment }, { error: 'A topic is a name such as role:editor, or { name, since? }.' }),
)

const identity = z.object({
  id: userId,
  since: moment,
  topics: z.array(topic, { error: 'topics must be an array, or left out.' }).default([]),
})

const NO_TOPICS: ReadonlyMap<string, number> = new Map()

/** Reads what the host's `identify` or `topicsOf` gave. Throws OptionError, in a sentence that names the option. */
export function parsePerson(value: unknown, option: 'identify' | 'topicsOf'): Person {
  const plain = plainId(value)
  if (plain !== undefined) return { id: plain, since: 0, topics: NO_TOPICS, key: '' }
  const result = identity.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]
    const where = issue?.path.length ? ` at ${issue.path.join('.')}` : ''
    throw new OptionError(
      `${option} must answer null or { id, topics?, since? } with id a string, but its answer is wrong${where}: ${issue?.message ?? 'unreadable'}`,
    )
  }
  return person(result.data.id, result.data.since, result.data.topics)
}

/** Most hosts give no more than an id, and are asked at each request: that needs no schema. */
function plainId(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value) || !isPlainId(value.id)) return undefined
  if (('topics' in value && value.topics !== undefined) || ('since' in value && value.since !== undefined)) return undefined
  return value.id
}

function person(id: string, since: number, memberships: readonly { name: string; since: number }[]): Person {
  const topics = new Map<string, number>()
  for (const { name, since } of memberships.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    topics.set(name, Math.min(since, topics.get(name) ?? since))
  }
  const key = since === 0 && topics.size === 0 ? '' : JSON.stringify([since, ...topics])
  return { id, since, topics, key }
}

/** The names of the topics in a key of memberships (Person.key). */
export function topicsIn(key: string): string[] {
  if (key === '') return []
  const [, ...topics] = JSON.parse(key) as [number, ...[string, number][]]
  return topics.map(([name]) => name)
}
