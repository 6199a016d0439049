import { besides } from './scripts.js'

type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }

/** What the bell says, and what others say, too. `#` stands for the count, `%` for a text. */
export const english = {
  bell: 'Notifications',
  bellUnread: 'Notifications, # unread',
  bellSignedOut: 'Notifications, signed out',
  arrived: { one: '# new notification', other: '# new notifications' },
  arrivedTitle: 'New notification: %',
  unreadCount: '# unread',
  fresh: '# new',
  unreadMark: 'Unread:',
  undo: 'Undo',
  gone: 'No longer there: %',
  failed: 'That did not work. Try again.',
  offline: 'No connection, trying again. What you see may be old.',
  signedOut: 'You are signed out.',
  readAll: 'Mark all as read',
  read: 'Mark as read',
  archive: 'Archive',
  seeAll: 'See all',
} satisfies Messages

export type Messages = Readonly<Record<string, string | Plural>>
/** Says a message in the language of the page; `text` takes the place of `%`, or of `#` where the count is shown otherwise. */
export type SayOf<M extends Messages> = (key: keyof M, count?: number, text?: string) => string
export type Say = SayOf<typeof english>

export function sayIn<M extends Messages>(language: string, messages: M): SayOf<M> {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (key, count = 0, text = numbers.format(count)) => {
    // One without plurals has none of their forms, and is what it says itself.
    const message = messages[key] as string & Plural
    return (message[rules.select(count)] ?? message.other ?? message).replace(/[#%]/, () => text)
  }
}

/** What a part of the page says in a language, fetched from beside this script; undefined for English and for what there is no catalogue for. */
export async function messagesIn(language: string, part: 'bell' | 'inbox'): Promise<Messages | undefined> {
  const name = /^(ar|pl)\b/.exec(language)?.[0]
  if (!name) return undefined
  return ((await besides(`${part}-${name}`)) as { messages: Messages }).messages
}
