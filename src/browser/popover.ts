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

export function createPopover(bell: NotificationBell, control: HTMLButtonElement): Popover {
  const { say, client } = bell
  const attributes = { id: `belfry-panel-${++panels}`, class: 'belfry-panel', popover: '', role: 'dialog', 'aria-label': say('bell') }
  const element = h('div', attributes)
  let panel: Panel | undefined
  const connection = () => client.getSnapshot().connection
  const fetched = async () => {
    try {
      if (connection() === 'signed-out') return await bell.over()
      const script = (await besides('panel')) as typeof import('./panel.js')
      panel ??= script.createPanel(bell, control, element)
    } catch {
      element.replaceChildren(
        h('p', { class: 'belfry-note' }, say(['live', 'polling'].includes(connection()) ? 'failed' : 'offline')),
        h('a', { href: client.base, class: 'belfry-all' }, say('seeAll')),
      )
    }
  }
  /** Whether it is open, as the control says from then on. */
  const isOpen = () => {
    const open = element.matches(':popover-open')
    // A window that is turned or resized must not leave the panel outside.
    const listen = open ? addEventListener : removeEventListener
    listen('resize', place)
    listen('blur', left)
    control.ariaExpanded = String(open)
    return open
  }
  /** The focus may have gone into a frame of the page, which no `focusout` says, and what is clicked there closes nothing out here. Firefox knows only afterwards where it went. */
  const left = () => setTimeout(() => document.activeElement?.matches('iframe') && element.hidePopover())
  /** Below the bell, within the window. */
  const place = () => {
    const { bottom, left, right } = control.getBoundingClientRect()
    const { offsetWidth, offsetHeight, style } = element
    const start = getComputedStyle(element).direction === 'rtl' ? left : right - offsetWidth
    style.top = within(bottom + 4, innerHeight - offsetHeight)
    style.left = within(start, innerWidth - offsetWidth)
  }
  control.setAttribute('aria-controls', element.id)
  control.popoverTargetElement = element
  control.onpointerenter = fetched
  // Safari focuses no button that is clicked, and from there the next Tab would pass the panel by.
  element.onbeforetoggle = ({ newState }) => newState === 'open' && control.focus()
  // A window that loses the focus, and a row that goes with it, have nothing related.
  bell.addEventListener('focusout', ({ relatedTarget }) => relatedTarget && !bell.contains(relatedTarget as Node) && element.hidePopover())
  element.addEventListener('toggle', () => {
    if (!isOpen()) return
    place()
    client.act()
    void fetched()
  })
  return {
    element,
    refresh() {
      // Nobody tells of a panel that closed because its bell was taken off the page.
      const open = isOpen()
      const over = connection() === 'signed-out'
      if (over) panel = undefined
      if (panel) panel.refresh()
      // It says that it could not be fetched, or that nobody is signed in.
      else if (element.firstChild && (over || open)) void fetched()
    },
  }
}

function within(at: number, most: number): string {
  return `${Math.max(8, Math.min(at, most - 8))}px`
}
