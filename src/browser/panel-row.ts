import type { Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import type { Action } from './core.js'
import { senderOf } from './rows.js'

/** A row of the panel: a link to the notification, and what one can do about it. */
export function panelRow(
  item: Item,
  { say, clock, client, kit }: NotificationBell,
  act: (row: HTMLElement, item: Item, action: Action) => void,
): HTMLElement {
  const { button, h, showState } = kit
  const time = h('time', { datetime: item.createdAt })
  clock.show(time, false)
  const state = h('span', { class: 'belfry-visually-hidden', 'data-slot': 'state' })
  const link = h(
    'a',
    { href: `${client.base}/${encodeURIComponent(item.id)}`, 'data-turbo-prefetch': 'false' },
    state,
    h('bdi', { 'data-slot': 'title' }, item.title),
  )
  const row = h('li', { class: 'belfry-item', 'data-id': item.id, 'data-cursor': item.cursor, 'data-level': item.level })
  const does = (words: 'read' | 'archive' | 'undo', action: Action) => {
    const made = button(say(words), () => act(row, item, action), `belfry-button belfry-${action}`)
    made.ariaDescription = item.title
    return made
  }
  row.append(
    h('span', { class: 'belfry-mark' }),
    h('div', { class: 'belfry-item-text' }, h('p', { class: 'belfry-title' }, link), h('p', { class: 'belfry-body', dir: 'auto' }, item.body ?? '')),
    h(
      'div',
      { class: 'belfry-actions' },
      h('bdi', { class: 'belfry-meta' }, senderOf(item.data)),
      time,
      does('read', 'read'),
      does('archive', 'archive'),
      does('undo', 'unarchive'),
    ),
  )
  showState(row, item.state, say)
  return row
}
