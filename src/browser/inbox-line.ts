import type { InboxView } from './inbox-view.js'

/** What stands in the place of a row that went: some words before its title, and a way back where there is one. */
export function lineFor({ bell }: InboxView, row: HTMLElement, words: string, ...more: Node[]): HTMLElement {
  const { h } = bell.kit
  const { dateTime } = row.querySelector('time') as HTMLTimeElement
  // The title is isolated: its writing direction, or one that it switches to, ends with it.
  const said = h('span', {}, words, h('bdi', {}, titleOf(row)))
  return h('li', { class: 'belfry-undo', 'data-at': dateTime, 'data-cursor': row.dataset.cursor ?? '' }, said, ...more)
}

/** Puts one in the place of the other, and the focus with it. */
export function exchange(row: HTMLElement, other: HTMLElement): void {
  const hadFocus = row.matches(':focus-within')
  row.replaceWith(other)
  if (hadFocus) other.querySelector<HTMLElement>('a, button')?.focus()
}

export function titleOf(row: HTMLElement): string {
  return row.querySelector('[data-slot=title]')?.textContent ?? ''
}
