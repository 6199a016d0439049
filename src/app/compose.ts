import { checkDraft, type Draft, type FieldError, type Recipients } from '../notifications/index.js'
import { disabledOrUnknown, type Find, listed } from './addressees.js'
import { textFields } from './fields.js'
import { isTimeZone, parseMoment } from './zoned-time.js'

const COMPOSE_FIELDS = [
  'audience',
  'recipients',
  'role',
  'title',
  'body',
  'url',
  'level',
  'category',
  'publishAt',
  'expiresAt',
  'timeZone',
  'idempotencyKey',
] as const

/** What was typed into the compose form, as it was typed; '' where a field is absent. */
export type ComposeValues = Readonly<Record<(typeof COMPOSE_FIELDS)[number], string>>

/** What composing needs to know of the world. */
export interface Surroundings {
  readonly find: Find
  readonly roles: readonly string[]
  /** The zone that times are read in where the form names none. */
  readonly timeZone: string
  readonly sender: string
  /** Milliseconds since 1970. */
  readonly now: number
}

export type Composed = { readonly draft: Draft } | { readonly errors: readonly FieldError[] }

/** Takes the fields of the form out of a request's body. Throws MalformedError where one of them isn't text. */
export function composeValues(body: unknown): ComposeValues {
  return textFields(body, COMPOSE_FIELDS)
}

/** Turns what was typed into a draft, or says of each field what is wrong with it. Touches nothing. */
export function compose(values: ComposeValues, surroundings: Surroundings): Composed {
  const errors: FieldError[] = []
  const to = collect(errors, () => readAudience(values, surroundings)) ?? 'everyone'
  const timeZone = collect(errors, () => readZone(values.timeZone, surroundings.timeZone)) ?? 'UTC'
  const publishAt = collect(errors, () => readTime('publishAt', values.publishAt, timeZone)) ?? null
  const expiresAt = collect(errors, () => readTime('expiresAt', values.expiresAt, timeZone)) ?? null
  const { title, body, url, level, category, idempotencyKey } = values
  const draft = { to, title, body, url, level: level || null, category, publishAt, expiresAt, idempotencyKey, sender: surroundings.sender }
  errors.push(...checkDraft(draft, surroundings.now), ...checkDraft({ to, title: '.', publishAt, expiresAt }, surroundings.now))
  if (errors.length === 0) return { draft: draft as Draft }
  return { errors: COMPOSE_FIELDS.flatMap((field) => firstOf(errors, field) ?? []) }
}

/** Whoever is named by a draft stands in the form's field `recipients`. */
function firstOf(errors: readonly FieldError[], field: string): FieldError | undefined {
  const found = errors.find((error) => error.field === field || (error.field === 'to' && field === 'recipients'))
  return found && { field, message: found.message }
}

/** The names in a text, as typed but each once: separated by commas, spaces or lines. */
export function splitNames(text: string): string[] {
  return [
    ...new Map(
      text
        .split(/[\s,;]+/u)
        .filter((name) => name !== '')
        .map((name) => [name.toLowerCase(), name]),
    ).values(),
  ]
}

/** One field that can't be accepted; `message` is a sentence for whoever filled it in. */
class FieldProblem extends Error {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.name = 'FieldProblem'
    this.field = field
  }
}

function readAudience({ audience, recipients, role }: ComposeValues, { find, roles }: Surroundings): Recipients {
  if (audience === 'everyone') return 'everyone'
  if (audience === 'role') {
    if (!roles.includes(role)) throw new FieldProblem('role', `Choose a role: ${listed(roles, 'or')}.`)
    return { topic: `role:${role}` }
  }
  if (audience !== 'user' && audience !== 'users') throw new FieldProblem('audience', 'Choose whom it is for.')
  const names = splitNames(recipients)
  if (names.length === 0) throw new FieldProblem('recipients', audience === 'user' ? 'Write a username.' : 'Write at least one username.')
  if (audience === 'user' && names.length > 1)
    throw new FieldProblem('recipients', `Write one username, or choose several people above: these are ${names.length}.`)
  const problem = disabledOrUnknown(names, find)
  if (problem !== undefined) throw new FieldProblem('recipients', problem)
  const ids = names.flatMap((name) => find(name)?.id ?? [])
  return audience === 'user' && ids[0] !== undefined ? { user: ids[0] } : { users: ids }
}

function readZone(zone: string, unlessNamed: string): string {
  const name = zone.trim()
  if (name === '') return unlessNamed
  if (!isTimeZone(name)) throw new FieldProblem('timeZone', `There is no time zone called ${name}: write one such as Europe/Vienna or UTC.`)
  return name
}

function readTime(field: string, text: string, zone: string): Date | null {
  if (text.trim() === '') return null
  const moment = parseMoment(text, zone)
  if (moment === null) throw new FieldProblem(field, 'Write a date and a time, such as 2030-01-31T09:00.')
  return moment
}

function collect<T>(errors: FieldError[], read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error
    errors.push({ field: error.field, message: error.message })
    return undefined
  }
}
