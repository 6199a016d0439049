import type { Draft, Notifications } from '../notifications/index.js'
import type { AppContext } from './context.js'

/** What admins, scripts and operators send. A message to many reaches whoever is there at this moment, whatever the clock said when they came. */
export async function send({ accounts, notifications }: AppContext, draft: Draft): ReturnType<Notifications['notify']> {
  if (draft.to === 'everyone' || 'topic' in draft.to) await accounts.bringToPresent()
  return notifications.notify(draft)
}
