import type { NotificationBell } from './bell.js'
import { enhanceActions } from './inbox-actions.js'
import { keepLive } from './inbox-live.js'
import { InboxView } from './inbox-view.js'

const root = document.querySelector<HTMLElement>('[data-belfry-inbox]')
const bell = document.querySelector<NotificationBell>('notification-bell')

if (root && bell) {
  void customElements.whenDefined('notification-bell').then(() => {
    const view = new InboxView(root, bell)
    keepLive(view, enhanceActions(view))
  })
}
