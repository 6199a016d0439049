import type { NotificationBell } from './bell.js'
import { h } from './dom.js'
import type { Panel } from './panel.js'
import { besides } from './scripts.js'

let panels = 0

/** The place of the panel below the bell. What is in it is fetched when somebody is about to open it. */
export interface Popover {
  readonly element: HTMLElement
  refresh(): void
}

export function createPopover(bell: NotificationBell, control: HTMLElement): Popover {
  const { say, client } = bell
  const attributes = { id: `belfry-panel-${++panels}`, class: 'belfry-panel', popover: '', role: 'dialog', 'aria-label': say('bell') }
  const element = h('div', attributes)
  let panel: Panel | undefined
  const fetched = async () => {
    try {
      const script = (await besides('panel')) as typeof import('./panel.js')
      panel ??= script.createPanel(bell, control, element)
    } catch {
      element.replaceChildren(h('p', { class: 'belfry-note' }, say('failed')), h('a', { href: client.base, class: 'belfry-all' }, say('seeAll')))
    }
  }
  control.setAttribute('aria-controls', element.id)
  control.setAttribute('aria-expanded', 'false')
  control.addEventListener('click', () => element.togglePopover())
  control.addEventListener('pointerenter', fetched)
  element.addEventListener('toggle', () => {
    const open = element.matches(':popover-open')
    control.setAttribute('aria-expanded', String(open))
    if (!open) return
    place(element, control)
    client.act()
    void fetched()
  })
  return { element, refresh: () => panel?.refresh() }
}

/** Below the bell, within the window. */
function place(panel: HTMLElement, control: Element): void {
  const { bottom, left, right } = control.getBoundingClientRect()
  const start = getComputedStyle(panel).direction === 'rtl' ? left : right - panel.offsetWidth
  panel.style.top = `${bottom + 4}px`
  panel.style.left = `${Math.max(8, Math.min(start, innerWidth - panel.offsetWidth - 8))}px`
}
