type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }

/** What the client says. `#` stands for the count, `%` for a text. */
export const english = {
  bell: 'Notifications',
  bellUnread: { other: 'Notifications, # unread' },
  bellSignedOut: 'Notifications, signed out',
  arrived: { one: '# new notification', other: '# new notifications' },
  arrivedTitle: 'New notification: %',
  unread: { one: '# unread', other: '# unread' },
  fresh: { one: '# new', other: '# new' },
  unreadMark: 'Unread:',
  success: 'Success',
  warning: 'Warning',
  error: 'Error',
  today: 'Today',
  yesterday: 'Yesterday',
  archived: 'Archived:',
  unarchived: 'Moved to the inbox:',
  undo: 'Undo',
  failed: 'That did not work. Please try again.',
  retry: 'Try again',
  offline: 'There is no connection. What you see may be old.',
  signedOut: 'You are signed out.',
  signIn: 'Sign in',
  empty: 'Nothing here yet. What concerns you will appear here.',
  readAll: 'Mark all as read',
  markRead: 'Mark as read',
  archive: 'Archive',
  seeAll: 'See all',
} satisfies Record<string, string | Plural>

export type MessageKey = keyof typeof english
export type Catalogue = Readonly<Record<MessageKey, string | Plural>>

/** Says a message in the language of the page; `text` takes the place of `%`, or of `#` where the count is shown otherwise. */
export type Say = (key: MessageKey, count?: number, text?: string) => string

export function sayIn(language: string, catalogue: Catalogue): Say {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (key, count = 0, text = numbers.format(count)) => {
    const message = catalogue[key]
    const words = typeof message === 'string' ? message : (message[rules.select(count)] ?? message.other)
    return words.replace(/[#%]/, () => text)
  }
}
