import type { Action } from './core.js'
import type { RowActions } from './inbox-actions.js'
import { type InboxView, idOf } from './inbox-view.js'

/** Choosing several rows, to do the same to all of them. */
export interface Selection {
  toggle(row: HTMLElement): void
}

/** A button in the head of the inbox puts boxes before the rows, and a bar below them that says what can be done. */
export function enhanceSelection(view: InboxView, actions: RowActions): Selection {
  const { list, root, say } = view
  const { button, h } = view.bell.kit
  const sayBell = view.bell.say
  const count = h('strong')
  const archived = list.dataset.filter === 'archived'
  const offers: readonly (readonly [Action, string])[] = archived
    ? [['unarchive', say('unarchive')]]
    : [
        ['read', sayBell('read')],
        ['unread', say('unread')],
        ['archive', sayBell('archive')],
      ]
  const bar = h('div', { class: 'belfry-bar', role: 'group' }, count, ...offers.map(([action, words]) => button(words, () => apply(action))))
  bar.append(button(say('done'), () => open(false)))
  const opener = button(say('select'), () => open(bar.hidden === true))
  opener.setAttribute('aria-pressed', 'false')
  bar.hidden = true
  root.querySelector('.belfry-head')?.append(opener)
  list.after(bar)

  const boxOf = (row: HTMLElement) => row.querySelector<HTMLInputElement>('.belfry-box')
  const chosen = () => view.rows().filter((row) => boxOf(row)?.checked)
  const decorate = (row: HTMLElement) => {
    const name = say('selectRow', 0, row.querySelector('[data-slot=title]')?.textContent ?? '')
    row.prepend(h('input', { type: 'checkbox', class: 'belfry-box', 'aria-label': name }))
  }
  const tell = () => {
    count.textContent = say('selected', chosen().length)
  }
  const open = (selecting: boolean) => {
    bar.hidden = !selecting
    opener.setAttribute('aria-pressed', String(selecting))
    view.decorate = selecting ? decorate : () => {}
    for (const row of view.rows()) selecting ? decorate(row) : boxOf(row)?.remove()
    tell()
    if (!selecting) opener.focus()
  }
  const apply = (action: Action) => {
    const fits = (row: HTMLElement) => row.dataset.state !== (action === 'unarchive' ? 'read' : action)
    for (const row of chosen().filter(fits)) void actions.act(row, action)
    for (const row of chosen()) (boxOf(row) as HTMLInputElement).checked = false
    tell()
  }
  list.addEventListener('change', tell)
  return {
    toggle(row) {
      if (bar.hidden) open(true)
      const box = view.row(idOf(row)) && boxOf(row)
      if (box) box.checked = !box.checked
      tell()
    },
  }
}
