import type { ItemState } from '../notifications/protocol.js'
import type { Action } from './core.js'
import { type Changes, createChanges, type Sending } from './inbox-changes.js'
import { focusOn, type InboxView, idOf } from './inbox-view.js'

const AFTER: Readonly<Record<Action, ItemState>> = { read: 'read', unread: 'unread', archive: 'archived', unarchive: 'read' }

/** What the person did to rows on this page. */
export interface RowActions extends Changes {
  /** Does it at once in the page, then on the server; takes exactly that back when it fails, and says whether it was done. */
  act(row: HTMLElement, action: Action, sending?: Sending): Promise<boolean>
}

/** Lets the forms of the rows work without leaving the page; what leaves the list can be brought back in its place. */
export function enhanceActions(view: InboxView): RowActions {
  const { list, root } = view
  const changes = createChanges(view)
  const act = (row: HTMLElement, action: Action, sending?: Sending) =>
    action === 'archive' || (action === 'unarchive' && list.dataset.filter === 'archived')
      ? moveAway(view, changes, row, action, sending)
      : mark(changes, row, action, sending)

  root.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    const row = form.closest<HTMLElement>('[data-notification-id]')
    const action = form.dataset.belfryAction as Action | undefined
    if (form.matches('[data-belfry-read-all]')) void readAll(view, changes, String(new FormData(form).get('upTo')))
    else if (row && action) void act(row, action)
    else return
    event.preventDefault()
  })
  // The visit itself marks as read; the row knows before the next page comes, and when one comes back to it.
  root.addEventListener('click', (event) => {
    const row = (event.target as Element).closest('[data-slot-link]')?.closest<HTMLElement>('[data-state=unread]')
    if (row && !event.defaultPrevented) changes.show(row, 'read')
  })
  return { ...changes, act }
}

async function mark({ send, show }: Changes, row: HTMLElement, action: Action, sending?: Sending): Promise<boolean> {
  const before = row.dataset.state as ItemState
  const hadFocus = row.querySelector('.belfry-actions')?.contains(document.activeElement)
  show(row, AFTER[action])
  if (hadFocus) [...row.querySelectorAll<HTMLElement>('.belfry-actions button')].find((button) => button.checkVisibility())?.focus()
  return send(row, action, () => show(row, before), sending)
}

/** Leaves a line in the place of a row that goes elsewhere, with a way back. */
async function moveAway(
  view: InboxView,
  { send, show }: Changes,
  row: HTMLElement,
  action: 'archive' | 'unarchive',
  sending?: Sending,
): Promise<boolean> {
  const { button, h } = view.bell.kit
  const hadFocus = row.contains(document.activeElement)
  const title = row.querySelector('[data-slot=title]')?.textContent ?? ''
  const back = button(view.say('undo'), () => {
    if (row.dataset.state === 'unread') show(row, 'read')
    bring()
    void send(row, action === 'archive' ? 'unarchive' : 'archive', () => line.isConnected || row.replaceWith(line))
  })
  const words = h('span', {}, view.say(action === 'archive' ? 'archived' : 'unarchived', 0, ''), h('bdi', {}, title))
  const line = h('li', { class: 'belfry-undo', 'data-at': row.querySelector('time')?.getAttribute('datetime') ?? '' }, words, back)
  const bring = () => {
    const focused = line.contains(document.activeElement)
    line.replaceWith(row)
    view.settle()
    if (focused) focusOn(row)
  }
  row.replaceWith(line)
  view.settle()
  if (hadFocus) back.focus()
  return send(row, action, bring, sending)
}

async function readAll({ bell, root, rows }: InboxView, { clear, fail, show, sending }: Changes, upTo: string): Promise<void> {
  const head = root.querySelector('.belfry-head')
  const unread = rows().filter((row) => row.dataset.state === 'unread')
  for (const row of unread) show(row, 'read')
  clear(head)
  try {
    await bell.client.readAll(upTo)
  } catch {
    for (const row of unread) if (!sending(idOf(row))) show(row, 'unread')
    fail(head)
  }
}
