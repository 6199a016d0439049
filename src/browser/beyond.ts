import type { Item } from '../notifications/protocol.js'
import type { Client } from './core.js'
import { set } from './dom.js'
import { preferences } from './preferences.js'
import { besides } from './scripts.js'

/** Shows the count beyond the page: in the icon of the tab, where the page names another one for it, and on that of an installed app. */
export function showBeyond(unread: number): void {
  const icon = document.querySelector<HTMLLinkElement>('link[data-belfry-unread]')
  if (icon) {
    const { dataset } = icon
    dataset.belfryRead ??= icon.getAttribute('href') as string
    set(icon, 'href', (unread ? dataset.belfryUnread : dataset.belfryRead) as string)
  }
  navigator.setAppBadge?.(unread).catch(() => {})
}

/** Calls somebody, if they asked for it. */
export async function callFor(client: Client, words: string, one?: Item): Promise<void> {
  const { desktop, sound } = preferences()
  if (desktop || sound) await ((await besides('call')) as typeof import('./call.js')).call(client, words, one)
}
