import type { english as inBell, Messages } from './messages.js'
import type { english as inOver } from './over-messages.js'
import type { english as inPanel } from './panel-messages.js'

/** Polish. */
export const messages = {
  bell: 'Powiadomienia',
  bellUnread: { one: 'Powiadomienia, # nieprzeczytane', few: 'Powiadomienia, # nieprzeczytane', other: 'Powiadomienia, # nieprzeczytanych' },
  bellSignedOut: 'Powiadomienia, wylogowano',
  arrived: { one: '# nowe powiadomienie', few: '# nowe powiadomienia', other: '# nowych powiadomień' },
  arrivedTitle: 'Nowe powiadomienie: %',
  unreadCount: { one: '# nieprzeczytane', few: '# nieprzeczytane', other: '# nieprzeczytanych' },
  fresh: { one: '# nowe', few: '# nowe', other: '# nowych' },
  unreadMark: 'Nieprzeczytane:',
  undo: 'Cofnij',
  gone: 'Już nie istnieje: %',
  failed: 'Nie udało się. Spróbuj ponownie.',
  retry: 'Spróbuj ponownie',
  offline: 'Brak połączenia. Trwa ponawianie próby; to, co widzisz, może być nieaktualne.',
  signedOut: 'Wylogowano.',
  signIn: 'Zaloguj się',
  empty: 'Na razie nic tu nie ma. Pojawi się tu to, co Cię dotyczy.',
  readAll: 'Oznacz wszystkie jako przeczytane',
  read: 'Oznacz jako przeczytane',
  archive: 'Archiwizuj',
  seeAll: 'Zobacz wszystkie',
} satisfies Messages & Record<keyof typeof inBell | keyof typeof inOver | keyof typeof inPanel, unknown>
