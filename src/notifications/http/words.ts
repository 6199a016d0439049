import type { ItemState, Level } from '../protocol.js'
import { TITLES } from './problem.js'

export const english = {
  /** As in HTML. */
  lang: 'en',
  dir: 'ltr' as 'ltr' | 'rtl',
  day: dayIn('en-GB'),
  /** Between a day and a time. */
  comma: ', ',
  bell: 'Notifications',
  /** @param badge the count as the badge shows it */
  bellUnread: (_unread: number, badge: string) => `Notifications, ${badge} unread`,
  skip: 'Skip to the content',
  readAll: 'Mark all as read',
  filter: 'Filter',
  filters: { all: 'All', unread: 'Unread', archived: 'Archived' },
  only: 'Only',
  allCategories: 'Show all categories',
  empty: {
    all: { title: 'Nothing here yet', words: 'What concerns you will appear here by itself, the newest first.' },
    unread: { title: 'You are up to date', words: 'Everything is read. What comes next will appear here by itself.' },
    archived: { title: 'Nothing is archived', words: 'What you archive leaves the inbox and is kept here.' },
    older: { title: 'That was all', words: 'There is nothing older.' },
  },
  pages: 'Pages',
  newest: 'Newest',
  older: 'Load older',
  preferences: 'Preferences',
  unreadMark: 'Unread:',
  levels: { info: '', success: 'Success', warning: 'Warning', error: 'Error' } as Readonly<Record<Level, string>>,
  states: { unread: 'Unread', read: 'Read', archived: 'Archived' } as Readonly<Record<ItemState, string>>,
  actions: { read: 'Mark as read', unread: 'Mark as unread', archive: 'Archive', unarchive: 'Move to inbox' },
  from: 'From',
  open: 'Open the page',
  openAt: (host: string) => `Open ${host}`,
  /** Before a day and a time. */
  disappears: 'Disappears on',
  toAll: 'Go to the notifications',
  titleOf: (title: string) => `Notification: ${title}`,
  choices: {
    title: 'Notification preferences',
    heading: 'Preferences of this browser',
    needScript: 'These choices need JavaScript. Everything else works without it.',
    desktop: 'Show notifications on the desktop while I look elsewhere',
    explain:
      'Your browser will ask whether this site may show notifications. They appear only while none of its pages is in front of you, and you can turn them off here at any time.',
    ask: 'Continue',
    refused: 'Your browser does not allow notifications from this site. You can change that in the settings of the browser, beside the address.',
    sound: 'Ring softly when something arrives while I look elsewhere',
    listen: 'Listen',
    keys: 'Use single keys in the inbox',
  },
  /** What went wrong, by the status of the answer. */
  titles: TITLES,
  /** What can be said of that, by the code of the error; of others the error says it itself, in English. */
  details: {} as Readonly<Record<string, string>>,
}

/** What the plugin's pages say in one language, as plain text. What the script says, and says itself of these, stands in the catalogues of `src/browser`. */
export type Words = typeof english

/** Days in words, in UTC: the server does not know the zone of whoever reads. */
export function dayIn(language: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}
