import { position } from './list.js'

/** Sets an attribute where it is another: whoever watches it hears of changes alone. */
export function set(element: Element | null, name: string, value: string): void {
  if (element?.getAttribute(name) !== value) element?.setAttribute(name, value)
}

/** Writes into the part with this selector, where there is one. */
export function write(place: Element, selector: string, words: string): void {
  const part = place.querySelector(selector)
  if (!part) return
  part.textContent = words
  // What the server wrote there was English.
  part.removeAttribute('lang')
}

/** Makes an element. Everything is set as an attribute or as text: nothing is ever read as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** A button in words that does something when it is pressed; not by the second click of a double click, which was meant for what lay there before. */
export function button(words: string, press: () => void, className = 'belfry-button'): HTMLButtonElement {
  const made = h('button', { type: 'button', class: className }, words)
  made.onclick = ({ detail }) => detail < 2 && press()
  return made
}

/** Puts a row where it belongs among others, newest first; where a line stands in its place, it takes that. */
export function place(list: Element, row: HTMLElement): void {
  const at = position(row.dataset.cursor)
  const next = [...list.querySelectorAll<HTMLElement>('[data-cursor]')].find(({ dataset }) => position(dataset.cursor) <= at)
  if (!next) list.append(row)
  else if (position(next.dataset.cursor) < at) next.before(row)
  else next.replaceWith(row)
}
