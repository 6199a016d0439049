import type { NotificationBell } from './bell.js'
import { enhanceActions } from './inbox-actions.js'
import { enhanceKeys } from './inbox-keys.js'
import { keepLive } from './inbox-live.js'
import { enhanceSelection } from './inbox-selection.js'
import { InboxView } from './inbox-view.js'

const root = document.querySelector<HTMLElement>('[data-belfry-inbox]')
const bell = document.querySelector<NotificationBell>('notification-bell')

if (root && bell) {
  await customElements.whenDefined('notification-bell')
  await bell.ready
  const view = new InboxView(root, bell)
  const actions = enhanceActions(view)
  const selection = enhanceSelection(view, actions)
  enhanceKeys(view, actions, selection)
  keepLive(view, actions)
}
