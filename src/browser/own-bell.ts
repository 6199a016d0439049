import type { NotificationBell } from './bell.js'

/**
 * Brings to life what there is of a selector, and what comes later in its place: where pages are swapped this script is not run again, but the bell of each says that it came.
 * @param begin its `signal` ends what listens beyond the root, when another comes in its place
 */
export function enliven(selector: string, begin: (root: HTMLElement, signal: AbortSignal) => void): void {
  let last: HTMLElement | undefined
  let replaced: AbortController | undefined
  const look = () => {
    const root = document.querySelector<HTMLElement>(selector)
    if (!root || root === last) return
    last = root
    replaced?.abort()
    replaced = new AbortController()
    begin(root, replaced.signal)
  }
  addEventListener('belfry-change', look)
  look()
}

/** The bell of a page of ours, when it can be worked with. In a layout without one, the page hears of changes by one that shows nothing but the title, and speaks through it. */
export async function bellOf(root: HTMLElement): Promise<NotificationBell> {
  await customElements.whenDefined('notification-bell')
  const bell = document.querySelector<NotificationBell>('notification-bell') ?? unseenBell(root)
  await bell.ready
  return bell
}

function unseenBell(root: HTMLElement): NotificationBell {
  const bell = document.createElement('notification-bell') as NotificationBell
  Object.assign(bell.dataset, root.dataset)
  bell.setAttribute('unread', root.dataset.unread ?? '')
  bell.append(bell.kit.h('span', { class: 'belfry-visually-hidden', role: 'status' }))
  root.append(bell)
  return bell
}
