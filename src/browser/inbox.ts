import type { NotificationBell } from './bell.js'
import { enhanceActions } from './inbox-actions.js'
import { enhanceKeys } from './inbox-keys.js'
import { keepLive } from './inbox-live.js'
import { offerMore } from './inbox-more.js'
import { createInboxView } from './inbox-view.js'

const root = document.querySelector<HTMLElement>('[data-belfry-inbox]')

if (root) {
  await customElements.whenDefined('notification-bell')
  const bell = document.querySelector<NotificationBell>('notification-bell') ?? unseenBell(root)
  await Promise.all([bell.ready, bell.learn('inbox')])
  const view = createInboxView(root, bell)
  const actions = enhanceActions(view)
  enhanceKeys(view, actions, offerMore(view, actions))
  keepLive(view, actions)
}

/** A layout without a bell: the inbox hears of changes by one that shows nothing but the title, and speaks through it. */
function unseenBell(root: HTMLElement): NotificationBell {
  const bell = document.createElement('notification-bell') as NotificationBell
  Object.assign(bell.dataset, root.dataset)
  bell.setAttribute('unread', root.dataset.unread ?? '')
  bell.append(bell.kit.h('span', { class: 'belfry-visually-hidden', role: 'status' }))
  root.append(bell)
  return bell
}
