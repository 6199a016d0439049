import type { Messages, SayOf } from './messages.js'

/** What the inbox says beyond what the bell does. */
export const english = {
  success: 'Success',
  warning: 'Warning',
  error: 'Error',
  archived: 'Archived: %',
  unarchived: 'Moved to the inbox: %',
  select: 'Select',
  keys: 'Keyboard',
} satisfies Messages

export type SayInbox = SayOf<typeof english>
