import type { RowActions } from './inbox-actions.js'
import type { Selection } from './inbox-selection.js'
import { focusOn, type InboxView } from './inbox-view.js'
import type { Kit } from './kit.js'

/** Single keys for those who want them: J K Enter X E Shift+I Shift+U ?, and a switch in their list that turns them off. */
export function enhanceKeys(view: InboxView, actions: RowActions, selection: Selection): void {
  const { bell, say } = view
  const { button, preferences } = bell.kit
  const here = () => document.activeElement?.closest<HTMLElement>('[data-notification-id]') ?? undefined
  const step = (by: number) => {
    const rows = view.rows()
    const row = here()
    focusOn(row ? rows[rows.indexOf(row) + by] : rows[0])
  }
  const does: Readonly<Record<string, () => void>> = {
    j: () => step(1),
    k: () => step(-1),
    x: () => withRow((row) => selection.toggle(row)),
    e: () => withRow((row) => row.dataset.state !== 'archived' && actions.act(row, 'archive')),
    I: () => withRow((row) => row.dataset.state === 'unread' && actions.act(row, 'read')),
    U: () => withRow((row) => row.dataset.state === 'read' && actions.act(row, 'unread')),
    '?': () => help.showModal(),
  }
  const withRow = (act: (row: HTMLElement) => void) => {
    const row = here()
    if (row) act(row)
  }
  const help = createHelp(
    bell.kit,
    [
      ['J', say('keyNext')],
      ['K', say('keyPrevious')],
      ['Enter', say('keyOpen')],
      ['X', say('select')],
      ['E', bell.say('archive')],
      ['Shift + I', bell.say('read')],
      ['Shift + U', say('unread')],
      ['?', say('keyHelp')],
    ],
    say('keys'),
    say('keysOn'),
    say('done'),
  )
  view.root.querySelector('.belfry-foot')?.append(button(say('keys'), () => help.showModal(), 'belfry-link'))
  view.root.append(help)

  document.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey, defaultPrevented, target } = event
    const typing = (target as Element).closest('input:not([type=checkbox]), textarea, select, dialog, [popover], [contenteditable]')
    const act = does[key]
    if (!act || typing || ctrlKey || metaKey || altKey || defaultPrevented || !preferences().keys) return
    event.preventDefault()
    act()
  })
}

function createHelp(
  { button, h, prefer, preferences }: Kit,
  keys: readonly (readonly [string, string])[],
  title: string,
  on: string,
  done: string,
): HTMLDialogElement {
  const box = h('input', { type: 'checkbox' })
  box.checked = preferences().keys
  box.addEventListener('change', () => prefer({ keys: box.checked }))
  const list = h('dl', {}, ...keys.flatMap(([key, words]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, words)]))
  const dialog = h('dialog', { class: 'belfry-help', 'aria-label': title }, h('h2', {}, title), list, h('label', {}, box, ` ${on}`))
  dialog.append(button(done, () => dialog.close()))
  return dialog
}
