import { enhanceActions } from './inbox-actions.js'
import { enhanceKeys } from './inbox-keys.js'
import { keepLive } from './inbox-live.js'
import { offerMore } from './inbox-more.js'
import { createInboxView } from './inbox-view.js'
import { bellOf, enliven } from './own-bell.js'

enliven('[data-belfry-inbox]', async (root, signal) => {
  const { dataset } = root
  // In a copy of one that was alive is what was made of it, and does nothing.
  if (dataset.live) return location.reload()
  dataset.live = 'true'
  const bell = await bellOf(root)
  await bell.learn('inbox')
  const view = createInboxView(root, bell, signal)
  const actions = enhanceActions(view)
  enhanceKeys(view, actions, offerMore(view, actions))
  keepLive(view, actions)
})
