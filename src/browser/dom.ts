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

/** A button in words that does something when it is pressed. */
export function button(words: string, press: () => void, className = 'belfry-button'): HTMLButtonElement {
  const made = h('button', { type: 'button', class: className }, words)
  made.addEventListener('click', press)
  return made
}
