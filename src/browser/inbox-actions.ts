import type { ItemState } from '../notifications/protocol.js'
import type { Action } from './core.js'
import { focusOn, type InboxView, idOf } from './inbox-view.js'

const AFTER: Readonly<Record<Action, ItemState>> = { read: 'read', unread: 'unread', archive: 'archived', unarchive: 'read' }

/** What the person did to rows on this page. */
export interface RowActions {
  /** Does it at once in the page, then on the server; takes exactly that back when it fails. */
  act(row: HTMLElement, action: Action): Promise<void>
  /** Whether a row stays though the filter does not show it any more: it was read right here. */
  keeps(id: string): boolean
  /** Whether it was changed here since `forgetTouched`: what was read from the server meanwhile may be older. */
  touched(id: string): boolean
  forgetTouched(): void
}

/** Lets the forms of the rows work without leaving the page; what leaves the list can be brought back in its place. */
export function enhanceActions(view: InboxView): RowActions {
  const { bell, list, root } = view
  const { client, say } = bell
  const { button, createPending, h, showState } = bell.kit
  const pending = createPending()
  const kept = new Set<string>()
  const touched = new Set<string>()

  const own = (id: string) => {
    kept.add(id)
    touched.add(id)
  }
  /** Says it where it happened, too. */
  const fail = (place: Element | null | undefined) => {
    bell.announce(say('failed'))
    place?.querySelector('.belfry-failed')?.remove()
    place?.append(h('p', { class: 'belfry-failed' }, say('failed')))
  }
  const send = async (id: string, action: Action, undo: () => void) => {
    own(id)
    view.row(id)?.querySelector('.belfry-failed')?.remove()
    const done = await pending.run(id, () => client.mark(id, action), undo)
    touched.add(id)
    if (!done) fail(view.row(id)?.querySelector('.belfry-item-text'))
  }

  /** Leaves a line in the place of a row that goes elsewhere, with a way back. */
  const moveAway = async (row: HTMLElement, action: 'archive' | 'unarchive') => {
    const id = idOf(row)
    const hadFocus = row.contains(document.activeElement)
    const title = row.querySelector('[data-slot=title]')?.textContent ?? ''
    const back = button(view.say('undo'), () => bringBack())
    const words = h('span', {}, view.say(action === 'archive' ? 'archived' : 'unarchived', 0, title))
    const line = h('li', { class: 'belfry-undo', 'data-at': row.querySelector('time')?.getAttribute('datetime') ?? '' }, words, back)
    const bring = () => {
      const focused = line.contains(document.activeElement)
      line.replaceWith(row)
      view.settle()
      if (focused) focusOn(row)
    }
    const bringBack = () => {
      const before = row.dataset.state as ItemState
      showState(row, before === 'unread' ? 'read' : before, say)
      bring()
      void send(id, action === 'archive' ? 'unarchive' : 'archive', () => line.isConnected || row.replaceWith(line))
    }
    row.replaceWith(line)
    view.settle()
    if (hadFocus) back.focus()
    await send(id, action, bring)
  }

  const act = async (row: HTMLElement, action: Action) => {
    const filter = list.dataset.filter
    if (action === 'archive' || (action === 'unarchive' && filter === 'archived')) return moveAway(row, action)
    const before = row.dataset.state as ItemState
    const hadFocus = row.querySelector('.belfry-actions')?.contains(document.activeElement)
    showState(row, AFTER[action], say)
    if (hadFocus) [...row.querySelectorAll<HTMLElement>('.belfry-actions button')].find((button) => button.checkVisibility())?.focus()
    await send(idOf(row), action, () => showState(row, before, say))
  }

  const readAll = async (upTo: string) => {
    const rows = view.rows().filter((row) => row.dataset.state === 'unread')
    for (const row of rows) {
      showState(row, 'read', say)
      own(idOf(row))
    }
    root.querySelector('.belfry-head .belfry-failed')?.remove()
    try {
      await client.readAll(upTo)
    } catch {
      for (const row of rows) if (!pending.has(idOf(row))) showState(row, 'unread', say)
      fail(root.querySelector('.belfry-head'))
    }
  }

  root.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    const row = form.closest<HTMLElement>('[data-notification-id]')
    const action = form.dataset.belfryAction as Action | undefined
    if (form.matches('[data-belfry-read-all]')) void readAll(String(new FormData(form).get('upTo')))
    else if (row && action) void act(row, action)
    else return
    event.preventDefault()
  })
  // The visit itself marks as read; the row knows before the next page comes, and when one comes back to it.
  root.addEventListener('click', (event) => {
    const row = (event.target as Element).closest('[data-slot-link]')?.closest<HTMLElement>('[data-state=unread]')
    if (row && !event.defaultPrevented) {
      own(idOf(row))
      showState(row, 'read', say)
    }
  })

  return {
    act,
    keeps: (id) => list.dataset.filter === 'unread' && kept.has(id),
    touched: (id) => touched.has(id) || pending.has(id),
    forgetTouched: () => touched.clear(),
  }
}
