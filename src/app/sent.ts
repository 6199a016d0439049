import type { Notification, Recipients, SentEntry } from '../notifications/index.js'
import type { Tokens } from './tokens.js'
import type { Users } from './users.js'
import { number } from './words.js'

/** Ids of users, as the plugin has them, to usernames. */
export type Names = ReadonlyMap<string, string>

/** What was sent, for the admin's list and report. */
export interface SentView {
  /** Null for what one person wrote to another: only the two of them read it. */
  readonly title: string | null
  readonly body: string | null
  readonly url: string | null
  readonly notification: Notification
  readonly audience: string
  /** None of one that was called off. */
  readonly recipients: number
  /** How many of those who are addressed by name are disabled, and so are no recipients. */
  readonly disabled: number
  readonly read: number
  readonly status: SentEntry['status']
  /** Recalled before it appeared: it never was in any inbox. */
  readonly calledOff: boolean
  /** When it appeared or is to appear; of one that was called off, when it would have. */
  readonly when: Date
  readonly by: string
}

/** How many names an audience is told by. */
const NAMES_SHOWN = 3

/** The category of what one person writes to another. */
export const MESSAGES = 'messages'
export const CLI_SENDER = 'cli'
export const senderOfUser = (id: number) => `user:${id}`
export const senderOfToken = (id: number) => `token:${id}`

/** The usernames of those who are addressed by name. An id that is no user's of the app is absent. */
export async function namesOf(users: Users, notifications: readonly Notification[]): Promise<Names> {
  const found = await users.byIds(userIds(notifications.flatMap(({ to }) => addressed(to))))
  return new Map([...found].map(([id, { username }]) => [String(id), username]))
}

/** For scripts: a stored notification, speaking usernames, which stand in the order of the alphabet. */
export function present(
  { id, to, title, body, url, level, category, data, sender, createdAt, publishAt, expiresAt, recalledAt }: Notification,
  names: Names,
): Notification {
  return { id, to: named(to, names), title, body, url, level, category, data, sender, createdAt, publishAt, expiresAt, recalledAt }
}

/** Reads what the list and the report of an admin show of entries. */
export async function sentViews(
  entries: readonly SentEntry[],
  { users, tokens }: { readonly users: Users; readonly tokens: Tokens },
): Promise<SentView[]> {
  const senders = await senderNames(entries, users, tokens)
  return Promise.all(
    entries.map(async (entry) => {
      const { notification, read, status } = entry
      const when = appearsAt(notification)
      const calledOff = wasCalledOff(notification)
      const inInboxes = !calledOff && status !== 'refused'
      const recipients = inInboxes ? (entry.recipients ?? (await reached(notification.to, when, users))) : 0
      const { title, body, url } = isMessage(notification) ? { title: null, body: null, url: null } : notification
      return {
        ...{ title, body, url, notification, read, status, calledOff, when },
        audience: await audienceOf(notification.to, users),
        recipients,
        disabled: inInboxes ? Math.max(0, addressed(notification.to).length - recipients) : 0,
        by: senders(notification.sender),
      }
    }),
  )
}

/** Whom it addresses, in words: `ada`, `ada, bob, and 3 others` by the alphabet, `everyone with the role member`, `everyone`. */
export function audienceWords(to: Recipients, names: Names): string {
  if (to === 'everyone') return 'everyone'
  if ('topic' in to) return to.topic.startsWith('role:') ? `everyone with the role ${to.topic.slice('role:'.length)}` : `the topic ${to.topic}`
  const ids = addressed(to)
  const all = [...[...names.values()].toSorted(byAlphabet), ...ids.filter((id) => !names.has(id)).map((id) => `#${id}`)]
  const shown = all.slice(0, ids.length > NAMES_SHOWN ? NAMES_SHOWN - 1 : NAMES_SHOWN)
  const others = ids.length > NAMES_SHOWN ? [`${number(ids.length - shown.length)} others`] : []
  return new Intl.ListFormat('en').format([...shown, ...others])
}

/** For sorting usernames as the database does: in any case. */
export function byAlphabet(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  return a < b ? -1 : a > b ? 1 : 0
}

/** A time that had passed when it was sent means at once. */
function appearsAt({ publishAt, createdAt }: Notification): Date {
  return new Date(Math.max(Date.parse(publishAt ?? createdAt), Date.parse(createdAt)))
}

function wasCalledOff({ publishAt, recalledAt }: Notification): boolean {
  return publishAt !== null && recalledAt !== null && Date.parse(recalledAt) < Date.parse(publishAt)
}

/** Of thousands only those are read who are told by name. */
async function audienceOf(to: Recipients, users: Users): Promise<string> {
  const first = await users.firstByName(userIds(addressed(to)), NAMES_SHOWN)
  return audienceWords(to, new Map(first.map(({ id, username }) => [String(id), username])))
}

function reached(to: Recipients, at: Date, users: Users): Promise<number> | number {
  if (to === 'everyone') return users.reached({ since: at })
  if (typeof to === 'object' && 'topic' in to) return users.reached({ since: at, role: to.topic.replace(/^role:/, '') })
  return addressed(to).length
}

function isMessage({ category, data, sender }: Notification): boolean {
  const from = typeof data === 'object' && data !== null && 'from' in data && typeof data.from === 'string'
  return category === MESSAGES && from && (sender?.startsWith('user:') ?? false)
}

/** Who sent, in words. */
async function senderNames(entries: readonly SentEntry[], users: Users, tokens: Tokens): Promise<(sender: string | null) => string> {
  const ids = entries.flatMap(({ notification }) => /^user:(\d+)$/.exec(notification.sender ?? '')?.slice(1) ?? [])
  const people = [...(await users.byIds(userIds(ids))).values()].map(({ id, username }) => [senderOfUser(id), username] as const)
  const scripts = (await tokens.list()).map(({ id, name }) => [senderOfToken(id), `the token ${name}`] as const)
  const known = new Map([...people, ...scripts, [CLI_SENDER, 'the command line'] as const])
  return (sender) => (sender === null ? 'another program' : (known.get(sender) ?? sender))
}

/** Those that may be the app's. */
function userIds(ids: readonly string[]): number[] {
  return [...new Set(ids.filter((id) => /^\d{1,15}$/.test(id)).map(Number))]
}

function addressed(to: Recipients): readonly string[] {
  if (to === 'everyone' || 'topic' in to) return []
  return 'user' in to ? [to.user] : to.users
}

function named(to: Recipients, names: Names): Recipients {
  const name = (id: string) => names.get(id) ?? id
  if (to === 'everyone' || 'topic' in to) return to
  return 'user' in to ? { user: name(to.user) } : { users: to.users.map(name).toSorted(byAlphabet) }
}
