import type { Action } from './core.js'
import type { RowActions } from './inbox-actions.js'
import type { More } from './inbox-more.js'
import { focusOn, type InboxView } from './inbox-view.js'

/** Single keys for those who want them: J K Enter X E Shift+I Shift+U ?, and a switch in their list that turns them off. What changes rows changes the selected ones, where there are some. */
export function enhanceKeys(view: InboxView, actions: RowActions, more: More): void {
  const { preferences } = view.bell.kit
  const does = keysOf(view, actions, more)
  const pressed = (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, altKey, defaultPrevented, target } = event
    const typing = (target as Element).closest('input:not([type=checkbox]), textarea, select, dialog, [popover], [contenteditable]')
    const act = does[key]
    if (!act || typing || !view.list.isConnected || ctrlKey || metaKey || altKey || defaultPrevented || !preferences().keys) return
    event.preventDefault()
    act()
  }
  addEventListener('keydown', pressed, view)
}

function keysOf(view: InboxView, actions: RowActions, { selection, help }: More): Readonly<Record<string, () => void>> {
  const here = () => view.rows().find((row) => row.matches(':focus-within'))
  const step = (by: number) => {
    // The line of what was archived is a place to go on from, too.
    const places = [...view.list.querySelectorAll<HTMLElement>('[data-cursor]')]
    const at = places.findIndex((place) => place.matches(':focus-within'))
    const there = at < 0 || by > 0 ? places.slice(at + 1) : places.slice(0, at).reverse()
    focusOn(there.find((place) => place.dataset.notificationId))
  }
  const change = (action: Action) => () => {
    const row = here()
    if (view.list.querySelector('.belfry-box:checked')) selection((made) => made.apply(action))
    else if (row && actions.fits(row, action)) void actions.act(row, action)
  }
  return {
    j: () => step(1),
    k: () => step(-1),
    x() {
      const row = here()
      if (row) selection((made) => made.toggle(row))
    },
    e: change('archive'),
    I: change('read'),
    U: change('unread'),
    '?': help,
  }
}
