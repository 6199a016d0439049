import type { Item, ItemState } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import type { Action, ItemPage } from './core.js'
import { panelRow } from './panel-row.js'

export const LATEST = 10

/** The rows of the panel, and what is done to them. What is archived stays in its place, to be brought back, and so that nothing moves below the pointer. */
export interface PanelList {
  readonly element: HTMLElement
  /** Shows what the server has. New ones come in by themselves unless somebody is busy below them: those are returned. */
  show(page: ItemPage): readonly Item[]
  take(items: readonly Item[]): void
}

/** @param did told what is to be said where something was not done */
export function createPanelList(bell: NotificationBell, control: HTMLElement, did: (wrong?: string) => void): PanelList {
  const { client, kit, say } = bell
  const pending = kit.createPending()
  const element = kit.h('ol', { class: 'belfry-list', 'aria-busy': 'true' })
  const rows = () => [...element.children] as HTMLElement[]
  const remove = (row: HTMLElement) => {
    const neighbour = row.nextElementSibling ?? row.previousElementSibling
    if (row.matches(':focus-within')) (neighbour?.querySelector('a') ?? control).focus()
    row.remove()
  }
  const act = async (row: HTMLElement, { id, title }: Item, action: Action) => {
    const { state, was } = row.dataset as { state: ItemState; was: ItemState }
    const to = action === 'archive' ? 'archived' : action === 'read' ? action : was
    if (to === 'archived') row.dataset.was = state
    kit.showState(row, to, say)
    row.querySelector<HTMLElement>(to === 'archived' ? '.belfry-unarchive' : 'a')?.focus()
    const trouble = await pending.run(
      id,
      async () => {
        await client.mark(id, action)
        // What comes back from the archive is read.
        if (to === 'unread') await client.mark(id, to)
      },
      () => kit.showState(row, state, say),
    )
    if (trouble === 'gone') remove(row)
    did(trouble && say(trouble, 0, title))
  }
  const take = (items: readonly Item[]) => {
    for (const item of items) kit.place(element, panelRow(item, bell, act))
    for (const row of rows().slice(LATEST)) row.remove()
  }
  return {
    element,
    take,
    show({ items, nextCursor }) {
      const busy = element.parentElement?.scrollTop || element.matches(':focus-within')
      const newest = kit.position(rows()[0]?.dataset.cursor)
      const gone = new Map(rows().map((row) => [row.dataset.cursor, row]))
      const fresh = items.filter(({ id, cursor, state }) => {
        const row = gone.get(cursor)
        gone.delete(cursor)
        if (pending.has(id)) return false
        if (row) kit.showState(row, state, say)
        return !row
      })
      const end = kit.position(nextCursor)
      for (const row of gone.values()) if (row.dataset.state !== 'archived' && kit.position(row.dataset.cursor) > end) remove(row)
      const isHeld = ({ cursor }: Item) => busy && kit.position(cursor) > newest
      take(fresh.filter((item) => !isHeld(item)))
      return fresh.filter(isHeld)
    },
  }
}
