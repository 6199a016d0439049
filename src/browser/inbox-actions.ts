import type { ItemState } from '../notifications/protocol.js'
import type { Action } from './core.js'
import { type Changes, createChanges } from './inbox-changes.js'
import { exchange, lineFor, titleOf } from './inbox-line.js'
import { type InboxView, idOf } from './inbox-view.js'

/** By action, the states in which it makes sense. */
const FROM: Readonly<Record<Action, readonly ItemState[]>> = {
  read: ['unread'],
  unread: ['read'],
  archive: ['unread', 'read'],
  unarchive: ['archived'],
}

/** What the person did to rows on this page. */
export interface RowActions extends Changes {
  /** Whether it would change the row. */
  fits(row: HTMLElement, action: Action): boolean
  /** Does it at once in the page, then on the server; takes exactly that back when it fails, and says whether it was done. */
  act(row: HTMLElement, action: Action): Promise<boolean>
}

/** Lets the forms of the rows work without leaving the page; what leaves the list can be brought back in its place. */
export function enhanceActions(view: InboxView): RowActions {
  const { root } = view
  const changes = createChanges(view)
  const act = (row: HTMLElement, action: Action) =>
    action === 'read' || action === 'unread' ? mark(changes, row, action) : moveAway(view, changes, row, action)

  root.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    const row = form.closest<HTMLElement>('[data-notification-id]')
    const action = form.dataset.belfryAction as Action | undefined
    if (form.matches('[data-belfry-read-all]')) void readAll(view, changes, String(new FormData(form).get('upTo')))
    else if (row && action) void act(row, action)
    else return
    event.preventDefault()
  })
  root.addEventListener('click', (event) => {
    // The second click of a double click was meant for what lay there before the first.
    if (event.detail > 1) event.preventDefault()
    // The visit itself marks as read; the row knows before the next page comes, and when one comes back to it.
    const row = (event.target as Element).closest('[data-slot-link]')?.closest<HTMLElement>('[data-state=unread]')
    if (row && !event.defaultPrevented) changes.show(row, 'read')
  })
  return { ...changes, act, fits: (row, action) => FROM[action].includes(row.dataset.state as ItemState) }
}

async function mark({ send, show }: Changes, row: HTMLElement, action: 'read' | 'unread'): Promise<boolean> {
  const before = row.dataset.state as ItemState
  const hadFocus = row.querySelector('.belfry-actions:focus-within')
  show(row, action)
  if (hadFocus) [...row.querySelectorAll<HTMLElement>('.belfry-actions button')].find((button) => button.checkVisibility())?.focus()
  return send(row, [action], () => show(row, before))
}

/** Leaves a line in the place of a row that goes elsewhere, with a way back. */
async function moveAway(view: InboxView, { send }: Changes, row: HTMLElement, action: 'archive' | 'unarchive'): Promise<boolean> {
  const { bell } = view
  // What comes back from the archive is read.
  const unread: readonly Action[] = row.dataset.state === 'unread' ? ['unread'] : []
  const way: readonly Action[] = action === 'archive' ? ['unarchive', ...unread] : ['archive']
  const bring = () => {
    exchange(line, row)
    view.decorate(row)
    view.settle()
  }
  const back = bell.kit.button(bell.say('undo'), () => {
    bring()
    void send(row, way, () => exchange(row, line))
  })
  back.ariaDescription = titleOf(row)
  const line = lineFor(view, row, view.say(action === 'archive' ? 'archived' : 'unarchived', 0, ''), back)
  exchange(row, line)
  view.settle()
  return send(row, [action], bring)
}

async function readAll({ bell, root, rows }: InboxView, { clear, fail, run, show, sending }: Changes, upTo: string): Promise<void> {
  const head = root.querySelector('.belfry-head')
  const unread = rows().filter((row) => row.dataset.state === 'unread')
  const undo = () => {
    for (const row of unread) if (!sending(idOf(row))) show(row, 'unread')
  }
  for (const row of unread) show(row, 'read')
  clear(head)
  const trouble = await run('', () => bell.client.readAll(upTo), undo)
  if (trouble) fail(head, trouble)
  else bell.announce(bell.say('unreadCount', bell.client.getSnapshot().state?.unread))
}
