import type { english as inBell, Messages } from './messages.js'
import type { english as inOver } from './over-messages.js'
import type { english as inPanel } from './panel-messages.js'

/** Arabic. */
export const messages = {
  bell: 'الإشعارات',
  bellUnread: 'الإشعارات، غير المقروءة: #',
  bellSignedOut: 'الإشعارات، تم تسجيل الخروج',
  arrived: {
    zero: 'لا إشعارات جديدة',
    one: 'إشعار جديد واحد',
    two: 'إشعاران جديدان',
    few: '# إشعارات جديدة',
    many: '# إشعارًا جديدًا',
    other: '# إشعار جديد',
  },
  arrivedTitle: 'إشعار جديد: %',
  unreadCount: 'غير المقروءة: #',
  fresh: { one: 'جديد واحد', two: 'جديدان', few: '# جديدة', many: '# جديدًا', other: '# جديد' },
  unreadMark: 'غير مقروء:',
  undo: 'تراجع',
  gone: 'لم يعد موجودًا: %',
  failed: 'لم ينجح ذلك. يُرجى المحاولة مرة أخرى.',
  retry: 'المحاولة مرة أخرى',
  offline: 'لا يوجد اتصال. تجري إعادة المحاولة؛ قد يكون ما تراه قديمًا.',
  signedOut: 'تم تسجيل خروجك.',
  signIn: 'تسجيل الدخول',
  empty: 'لا شيء هنا بعد. سيظهر هنا ما يخصك.',
  readAll: 'وضع علامة مقروء على الكل',
  read: 'وضع علامة كمقروء',
  archive: 'أرشفة',
  seeAll: 'عرض الكل',
} satisfies Messages & Record<keyof typeof inBell | keyof typeof inOver | keyof typeof inPanel, unknown>
