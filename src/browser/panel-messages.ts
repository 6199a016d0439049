import type { Messages } from './messages.js'

/** What the panel says beyond what the bell does. */
export const english = {
  retry: 'Try again',
  offline: 'There is no connection. What you see may be old.',
  empty: 'Nothing here yet. What concerns you will appear here.',
} satisfies Messages
