import { enhanceActions } from './inbox-actions.js'
import { enhanceKeys } from './inbox-keys.js'
import { keepLive } from './inbox-live.js'
import { offerMore } from './inbox-more.js'
import { createInboxView } from './inbox-view.js'
import { bellOf } from './own-bell.js'

const root = document.querySelector<HTMLElement>('[data-belfry-inbox]')

if (root) {
  const bell = await bellOf(root)
  await bell.learn('inbox')
  const view = createInboxView(root, bell)
  const actions = enhanceActions(view)
  enhanceKeys(view, actions, offerMore(view, actions))
  keepLive(view, actions)
}
