import type { english as inExtras } from './extras-messages.js'
import type { english as inInbox } from './inbox-messages.js'
import type { Messages } from './messages.js'

/** Polish. */
export const messages = {
  unread: 'Oznacz jako nieprzeczytane',
  success: 'Sukces',
  warning: 'Ostrzeżenie',
  error: 'Błąd',
  archived: 'Zarchiwizowano: %',
  unarchived: 'Przeniesiono do skrzynki: %',
  select: 'Zaznacz',
  selectRow: 'Zaznacz: %',
  selected: { one: '# zaznaczone', few: '# zaznaczone', other: '# zaznaczonych' },
  done: 'Gotowe',
  unarchive: 'Przenieś do skrzynki',
  keys: 'Klawiatura',
  keyNext: 'Następne',
  keyPrevious: 'Poprzednie',
  keyOpen: 'Otwórz',
  keyHelp: 'Ta lista',
  keysSelected: 'Gdy coś jest zaznaczone, klawisze zmieniają wszystko, co zaznaczono.',
  keysOn: 'Używaj tych klawiszy',
  changed: 'Zmieniono: #',
  unchanged: 'Nie udało się zmienić: #. Spróbuj ponownie.',
} satisfies Messages & Record<keyof typeof inInbox | keyof typeof inExtras, unknown>
