import type { Messages } from './messages.js'

/** What the panel says beyond what the bell does. */
export const english = {
  retry: 'Try again',
  empty: 'Nothing here yet. News appears here.',
} satisfies Messages
