import type { Messages, SayOf } from './messages.js'

/** What the inbox says beyond what the bell does. */
export const english = {
  success: 'Success',
  warning: 'Warning',
  error: 'Error',
  archived: 'Archived: %',
  unarchived: 'Moved to the inbox: %',
  undo: 'Undo',
  select: 'Select',
  selectRow: 'Select: %',
  selected: { other: '# selected' },
  done: 'Done',
  unread: 'Mark as unread',
  unarchive: 'Move to inbox',
  keys: 'Keyboard',
  keyNext: 'Next',
  keyPrevious: 'Previous',
  keyOpen: 'Open',
  keyHelp: 'This list',
  keysOn: 'Use these keys',
} satisfies Messages

export type SayInbox = SayOf<typeof english>
