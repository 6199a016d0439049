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
  'planned',
  'publishAt',
  'expires',
  'expiresAt',
  'timeZone',
  'idempotencyKey',
] as const

/** How long a time may have passed when it is sent, in milliseconds: the form knows minutes only, and people need one to press the button. */
const JUST_NOW = 60_000

/** Each time with the box that says that there is to be one: of a time that is written by half a browser sends nothing. */
const TIMES = {
  publishAt: { wanted: 'planned', missing: 'Write the whole date and time; to send at once, untick ‘Appear later’.' },
  expiresAt: { wanted: 'expires', missing: 'Write the whole date and time; to keep it for good, untick ‘Disappear again’.' },
} as const

/**
 * What was typed into the compose form, as it was typed; '' where a field is absent. `planned` and `expires` are boxes: ticked, their time must be
 * there. A time that is there counts, ticked or not.
 */
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
  const publishAt = collect(errors, () => readFuture(values, timeZone, surroundings.now)) ?? null
  const expiresAt = collect(errors, () => readTime('expiresAt', values, timeZone)) ?? null
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

/** What stands between names that are pasted from mail, spreadsheets and lists. Letters with accents are not in it: José is nobody, and never jos. The browser counts by the same (`browser/compose.ts`). */
const BETWEEN = /[\s,;|،、"“”<>]+/u
/** What web pages and chats put into names, and nobody sees. */
const UNSEEN = /[\u200b-\u200f\u2060\ufeff]/g

/** The names in a text, as typed but each once: separated by commas, spaces or lines, with or without an @ before them. */
export function splitNames(text: string): string[] {
  return [
    ...new Map(
      text
        .replaceAll(UNSEEN, '')
        .split(BETWEEN)
        .map((name) => name.replace(/^@/, ''))
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

function readTime(field: keyof typeof TIMES, values: ComposeValues, zone: string): Date | null {
  const { wanted, missing } = TIMES[field]
  if (values[field].trim() === '') {
    if (values[wanted] !== '') throw new FieldProblem(field, missing)
    return null
  }
  const moment = parseMoment(values[field], zone)
  if (moment === null) throw new FieldProblem(field, 'Write a date and a time, such as 2030-01-31T09:00.')
  return moment
}

/** A year that was mistyped must not send at once. */
function readFuture(values: ComposeValues, zone: string, now: number): Date | null {
  const moment = readTime('publishAt', values, zone)
  if (moment !== null && moment.getTime() < now - JUST_NOW) {
    throw new FieldProblem('publishAt', 'This time has passed: choose a later one. To send at once, empty it and untick ‘Appear later’.')
  }
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
