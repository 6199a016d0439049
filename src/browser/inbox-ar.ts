import type { english as inExtras } from './extras-messages.js'
import type { english as inInbox } from './inbox-messages.js'
import type { Messages } from './messages.js'

/** Arabic. */
export const messages = {
  unread: 'وضع علامة كغير مقروء',
  success: 'نجاح',
  warning: 'تحذير',
  error: 'خطأ',
  archived: 'تمت الأرشفة: %',
  unarchived: 'نُقل إلى صندوق الوارد: %',
  select: 'تحديد',
  selectRow: 'تحديد: %',
  selected: 'المحدد: #',
  done: 'تم',
  unarchive: 'نقل إلى صندوق الوارد',
  keys: 'لوحة المفاتيح',
  keyNext: 'التالي',
  keyPrevious: 'السابق',
  keyOpen: 'فتح',
  keyHelp: 'هذه القائمة',
  keysSelected: 'عند تحديد صفوف، تُغيّر المفاتيح كل ما حُدِّد.',
  keysOn: 'استخدام هذه المفاتيح',
  changed: 'تم التغيير: #',
  unchanged: 'تعذّر التغيير: #. يُرجى المحاولة مرة أخرى.',
} satisfies Messages & Record<keyof typeof inInbox | keyof typeof inExtras, unknown>
