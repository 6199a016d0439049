import type { Action } from './core.js'
import { english } from './extras-messages.js'
import type { RowActions } from './inbox-actions.js'
import { titleOf } from './inbox-line.js'
import type { InboxView } from './inbox-view.js'
import type { SayOf } from './messages.js'

/** Choosing several rows, to do the same to all of them. */
export interface Selection {
  open(selecting: boolean): void
  toggle(row: HTMLElement): void
  /** Shows all of it at once, sends a few at a time, and says in the end how it went; what failed stays chosen. */
  apply(action: Action): void
}

/** Boxes before the rows, and a bar below them that says what can be done. */
export function createSelection(view: InboxView, actions: RowActions, opener: HTMLElement): Selection {
  const { bell, list, rows } = view
  const { button, h } = bell.kit
  const say = bell.speak(english)
  const count = h('strong')
  const chosen = () => rows().filter((row) => boxOf(row)?.checked)
  const tell = () => {
    count.textContent = say('selected', chosen().length)
  }
  const check = (some: readonly HTMLElement[], checked: boolean) => {
    for (const row of some) (boxOf(row) ?? { checked }).checked = checked
    tell()
  }
  const apply = async (action: Action) => {
    const some = chosen().filter((row) => actions.fits(row, action))
    if (!some[0]) return
    check(chosen(), false)
    const done = await Promise.all(some.map((row) => actions.act(row, action)))
    const failed = some.filter((_, at) => !done[at])
    check(failed, true)
    if (bell.client.getSnapshot().connection === 'signed-out') return
    bell.announce(failed[0] ? say('unchanged', failed.length) : say('changed', some.length))
  }
  view.decorate = (row) => {
    // A row that comes back from 'Undo' may have its box from before.
    boxOf(row)?.remove()
    if (bar.hidden) return
    const name = say('selectRow', 0, titleOf(row))
    row.prepend(h('input', { type: 'checkbox', class: 'belfry-box', 'aria-label': name }))
  }
  const open = (selecting: boolean) => {
    bar.hidden = !selecting
    opener.ariaPressed = String(selecting)
    for (const row of rows()) view.decorate(row)
    if (!selecting) opener.focus()
  }
  const buttons = offers(view, say).map(([action, words]) => button(words, () => apply(action)))
  const close = button(say('done'), () => open(false))
  const bar = h('div', { class: 'belfry-bar', role: 'group', 'aria-label': view.say('select') }, count, ...buttons, close)
  bar.hidden = true
  list.after(bar)
  list.onchange = tell
  // Rows come and go, and with them what is chosen. And what the bar covers of the window must not take the focus: in narrow ones it has several lines.
  const watch = new ResizeObserver(() => {
    tell()
    document.documentElement.style.setProperty('--belfry-bar', `${bar.offsetHeight}px`)
  })
  watch.observe(list)
  watch.observe(bar)
  return {
    open,
    apply,
    toggle(row) {
      if (bar.hidden) open(true)
      if (row.isConnected) check([row], !boxOf(row)?.checked)
    },
  }
}

function offers({ bell, list }: InboxView, say: SayOf<typeof english>): readonly (readonly [Action, string])[] {
  if (list.dataset.filter === 'archived') return [['unarchive', say('unarchive')]]
  return [
    ['read', bell.say('read')],
    ['unread', say('unread')],
    ['archive', bell.say('archive')],
  ]
}

function boxOf(row: HTMLElement): HTMLInputElement | null {
  return row.querySelector('.belfry-box')
}
