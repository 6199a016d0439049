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
  readonly recipients: number
  readonly read: number
  readonly status: SentEntry['status']
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

/**
 * The usernames of senders and of those who are addressed by name, of each notification the first `most` alone.
 * An id that is no user's of the app stays as it is.
 */
export async function namesOf(users: Users, notifications: readonly Notification[], most?: number): Promise<Names> {
  const ids = notifications.flatMap(({ to, sender }) => [...addressed(to).slice(0, most), ...(/^user:(\d+)$/.exec(sender ?? '')?.slice(1) ?? [])])
  const found = await users.byIds([...new Set(ids.filter((id) => /^\d{1,15}$/.test(id)).map(Number))])
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
  const names = await namesOf(
    users,
    entries.map(({ notification }) => notification),
    NAMES_SHOWN,
  )
  const tokenNames = new Map((await tokens.list()).map(({ id, name }) => [senderOfToken(id), name]))
  return Promise.all(
    entries.map(async ({ notification, recipients, read, status }) => {
      const when = new Date(notification.publishAt ?? notification.createdAt)
      const { title, body, url } = isMessage(notification) ? { title: null, body: null, url: null } : notification
      return {
        ...{ title, body, url, notification, read, status, when },
        audience: audienceWords(notification.to, names),
        recipients: status === 'refused' ? 0 : (recipients ?? (await reached(notification.to, when, users))),
        by: senderWords(notification.sender, names, tokenNames),
      }
    }),
  )
}

/** Whom it addresses, in words: `ada`, `ada, bob and 3 others`, `everyone with the role member`, `everyone`. */
export function audienceWords(to: Recipients, names: Names): string {
  if (to === 'everyone') return 'everyone'
  if ('topic' in to) return to.topic.startsWith('role:') ? `everyone with the role ${to.topic.slice('role:'.length)}` : `the topic ${to.topic}`
  const ids = addressed(to)
  const shown = ids.slice(0, ids.length > NAMES_SHOWN ? NAMES_SHOWN - 1 : NAMES_SHOWN).map((id) => names.get(id) ?? `#${id}`)
  const others = ids.length > NAMES_SHOWN ? [`${number(ids.length - shown.length)} others`] : []
  return new Intl.ListFormat('en').format([...shown, ...others])
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

function senderWords(sender: string | null, names: Names, tokenNames: ReadonlyMap<string, string>): string {
  if (sender === null) return 'another program'
  if (sender === CLI_SENDER) return 'the command line'
  const token = tokenNames.get(sender)
  return token === undefined ? (names.get(sender.replace(/^user:/, '')) ?? sender) : `the token ${token}`
}

function addressed(to: Recipients): readonly string[] {
  if (to === 'everyone' || 'topic' in to) return []
  return 'user' in to ? [to.user] : to.users
}

function named(to: Recipients, names: Names): Recipients {
  const name = (id: string) => names.get(id) ?? id
  if (to === 'everyone' || 'topic' in to) return to
  return 'user' in to ? { user: name(to.user) } : { users: to.users.map(name).toSorted() }
}
