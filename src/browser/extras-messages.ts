import type { Messages } from './messages.js'

/** What is said where several rows are chosen, and in the list of keys. */
export const english = {
  selectRow: 'Select: %',
  selected: '# selected',
  changed: '# changed',
  unchanged: '# could not be changed. Please try again.',
  done: 'Done',
  unread: 'Mark as unread',
  unarchive: 'Move to inbox',
  keyNext: 'Next',
  keyPrevious: 'Previous',
  keyOpen: 'Open',
  keyHelp: 'This list',
  keysSelected: 'Where rows are selected, keys change all of them.',
  keysOn: 'Use these keys',
} satisfies Messages
