import type { NotificationBell } from './bell.js'
import { english } from './over-messages.js'

/**
 * Nobody is signed in any more: what stood on a page of ours and in the panels goes, so that nobody else reads it, and a line says so instead.
 * When the same person is signed in again, the panel is made anew by itself, and the page is loaded again.
 */
export function showOver(bell: NotificationBell): void {
  const { client, kit, say } = bell
  const { h } = kit
  const sayOver = bell.speak(english)
  const connection = () => client.getSnapshot().connection
  // A bell that has left the page speaks for nobody: the page may be somebody else's by now.
  if (connection() !== 'signed-out' || !bell.isConnected) return
  for (const panel of bell.querySelectorAll<HTMLElement>('.belfry-panel')) {
    const link = h('a', { class: 'belfry-button', href: client.base }, sayOver('signIn'))
    exchange(panel, [h('p', { class: 'belfry-note' }, say('signedOut')), link], link)
  }
  const page = document.querySelector<HTMLElement>('.belfry-page:not(.belfry-out)')
  if (!page) return
  const words = h('h1', { tabindex: '-1' }, say('signedOut'))
  const link = h('a', { class: 'belfry-button belfry-button-main', href: location.pathname + location.search }, sayOver('signIn'))
  const goes = 'belfrySignIn' in page.dataset
  exchange(page, goes ? [words, link] : [words], goes ? link : words)
  page.classList.add('belfry-out', 'belfry-sorry')
  page.removeAttribute('lang')
  page.removeAttribute('dir')
  document.title = say('signedOut')
  client.subscribe(() => ['live', 'polling'].includes(connection()) && location.reload())
}

/** A bell that shows nothing stands in the page itself, and stays. */
function exchange(place: HTMLElement, parts: readonly HTMLElement[], focus: HTMLElement): void {
  const hadFocus = place.matches(':focus-within')
  const bell = place.querySelector('notification-bell')
  place.replaceChildren(...parts, ...(bell ? [bell] : []))
  if (hadFocus) focus.focus()
}
