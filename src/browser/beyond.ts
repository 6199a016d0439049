import type { Item } from '../notifications/protocol.js'
import type { Client } from './core.js'
import { set } from './dom.js'
import { preferences } from './preferences.js'
import { besides } from './scripts.js'

/** Shows in the icon of the tab whether any are unread, where the page names another one for that. */
export function showInIcon(badge: string): void {
  const icon = document.querySelector<HTMLLinkElement>('link[data-belfry-unread]')
  if (icon) {
    const { dataset } = icon
    dataset.belfryRead ??= icon.getAttribute('href') as string
    set(icon, 'href', (badge ? dataset.belfryUnread : dataset.belfryRead) as string)
  }
}

/** Shows the count on the icon of an installed app. */
export function showOnApp(unread: number): void {
  navigator.setAppBadge?.(unread).catch(() => {})
}

/** Calls somebody, if they asked for it. */
export async function callFor(client: Client, words: string, one?: Item): Promise<void> {
  const { desktop, sound } = preferences()
  if (desktop || sound) await ((await besides('call')) as typeof import('./call.js')).call(client, words, one)
}
