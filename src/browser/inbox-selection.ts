import type { Action } from './core.js'
import type { RowActions } from './inbox-actions.js'
import type { InboxView } from './inbox-view.js'
import type { Messages, SayOf } from './messages.js'
import { createQueue } from './queue.js'

/** What is said where several rows are chosen. */
export const english = {
  selectRow: 'Select: %',
  selected: { other: '# selected' },
  changed: { other: '# changed' },
  unchanged: { other: '# could not be changed. Please try again.' },
  done: 'Done',
  unread: 'Mark as unread',
  unarchive: 'Move to inbox',
} satisfies Messages

/** Choosing several rows, to do the same to all of them: boxes before the rows, and a bar below them that says what can be done. */
export class Selection {
  readonly #view: InboxView
  readonly #actions: RowActions
  readonly #opener: HTMLElement
  readonly #say: SayOf<typeof english>
  readonly #count: HTMLElement
  readonly #bar: HTMLElement
  readonly #queue = createQueue()

  constructor(view: InboxView, actions: RowActions, opener: HTMLElement) {
    const { button, h } = view.bell.kit
    this.#view = view
    this.#actions = actions
    this.#opener = opener
    this.#say = view.bell.speak(english)
    this.#count = h('strong')
    const buttons = this.#offers().map(([action, words]) => button(words, () => void this.#apply(action)))
    const done = button(this.#say('done'), () => this.open(false))
    this.#bar = h('div', { class: 'belfry-bar', role: 'group', 'aria-label': view.say('select') }, this.#count, ...buttons, done)
    this.#bar.hidden = true
    view.list.after(this.#bar)
    view.list.addEventListener('change', () => this.#tell())
  }

  open(selecting: boolean): void {
    this.#bar.hidden = !selecting
    this.#opener.setAttribute('aria-pressed', String(selecting))
    this.#view.decorate = selecting ? (row) => this.#decorate(row) : () => {}
    for (const row of this.#view.rows()) selecting ? this.#decorate(row) : boxOf(row)?.remove()
    this.#tell()
    if (!selecting) this.#opener.focus()
  }

  toggle(row: HTMLElement): void {
    if (this.#bar.hidden) this.open(true)
    const box = boxOf(row)
    if (box && row.isConnected) box.checked = !box.checked
    this.#tell()
  }

  #offers(): readonly (readonly [Action, string])[] {
    const { list, bell } = this.#view
    const say = this.#say
    if (list.dataset.filter === 'archived') return [['unarchive', say('unarchive')]]
    return [
      ['read', bell.say('read')],
      ['unread', say('unread')],
      ['archive', bell.say('archive')],
    ]
  }

  #chosen(): HTMLElement[] {
    return this.#view.rows().filter((row) => boxOf(row)?.checked)
  }

  #decorate(row: HTMLElement): void {
    // A row that comes back from 'Undo' may have its box from before.
    boxOf(row)?.remove()
    const name = this.#say('selectRow', 0, row.querySelector('[data-slot=title]')?.textContent ?? '')
    row.prepend(this.#view.bell.kit.h('input', { type: 'checkbox', class: 'belfry-box', 'aria-label': name }))
  }

  /** Shows all of it at once, sends a few at a time, and says in the end how it went; what failed stays chosen. */
  async #apply(action: Action): Promise<void> {
    const fits = (row: HTMLElement) => row.dataset.state !== (action === 'unarchive' ? 'read' : action)
    const chosen = this.#chosen()
    const rows = chosen.filter(fits)
    this.#check(chosen, false)
    if (rows.length === 0) return
    const done = await Promise.all(rows.map((row) => this.#actions.act(row, action, this.#queue)))
    const failed = rows.filter((_, at) => !done[at])
    this.#check(failed, true)
    const words = failed.length > 0 ? this.#say('unchanged', failed.length) : this.#say('changed', rows.length)
    this.#view.bell.announce(words)
  }

  #check(rows: readonly HTMLElement[], checked: boolean): void {
    for (const row of rows) {
      const box = boxOf(row)
      if (box) box.checked = checked
    }
    this.#tell()
  }

  #tell(): void {
    this.#count.textContent = this.#say('selected', this.#chosen().length)
  }
}

function boxOf(row: HTMLElement): HTMLInputElement | null {
  return row.querySelector('.belfry-box')
}
