import type { Item, ItemState } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import type { Action, ItemPage } from './core.js'
import { panelRow } from './panel-row.js'

export const LATEST = 10

/** The rows of the panel, and what is done to them. */
export interface PanelList {
  readonly element: HTMLElement
  rows(): HTMLElement[]
  /** Shows what the server has. New ones come in by themselves unless somebody is busy below them: those are returned. */
  show(page: ItemPage): readonly Item[]
  take(items: readonly Item[]): void
}

/** @param did told whether what was done to a row worked */
export function createPanelList(bell: NotificationBell, control: HTMLElement, did: (worked: boolean) => void): PanelList {
  const { client, kit, say } = bell
  const pending = kit.createPending()
  const element = kit.h('ol', { class: 'belfry-list' })
  const rows = () => [...element.querySelectorAll<HTMLElement>('[data-id]')]
  const remove = (row: HTMLElement) => {
    const hadFocus = row.contains(document.activeElement)
    const neighbour = row.nextElementSibling ?? row.previousElementSibling
    row.remove()
    if (hadFocus) (neighbour?.querySelector('a') ?? control).focus()
  }
  const act = async (row: HTMLElement, action: Action) => {
    const before = row.dataset.state as ItemState
    const below = row.nextSibling
    if (action === 'archive') remove(row)
    else {
      row.querySelector('a')?.focus()
      kit.showState(row, 'read', say)
    }
    const undo = () => {
      kit.showState(row, before, say)
      if (action === 'archive') element.insertBefore(row, below?.parentNode ? below : null)
    }
    did(await pending.run(idOf(row), () => client.mark(idOf(row), action), undo))
  }
  const take = (items: readonly Item[]) => {
    element.prepend(...items.map((item) => panelRow(item, bell, (row, action) => void act(row, action))))
    for (const row of rows().slice(LATEST)) row.remove()
  }
  return {
    element,
    rows,
    take,
    show(page) {
      const { head, same, gone } = kit.compare(rows().map(idOf), page, LATEST, true)
      for (const row of rows()) {
        const item = same.find(({ id }) => id === idOf(row))
        if (gone.includes(idOf(row))) remove(row)
        else if (item && !pending.has(item.id)) kit.showState(row, item.state, say)
      }
      const fresh = head.filter(({ id }) => !pending.has(id))
      if (element.scrollTop > 0 || element.matches(':focus-within')) return fresh
      take(fresh)
      return []
    },
  }
}

function idOf(row: HTMLElement): string {
  return row.dataset.id ?? ''
}
