import type { Item, ItemState } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import type { Action, ItemPage } from './core.js'
import { panelRow } from './panel-row.js'
import type { Pending } from './pending.js'

const LATEST = 10

/** What is in the panel below the bell: the latest few, what one can do about them, and how things stand when there is nothing to show. */
export class Panel {
  readonly #element: HTMLElement
  readonly #bell: NotificationBell
  readonly #control: HTMLElement
  readonly #pending: Pending
  readonly #list: HTMLElement
  readonly #words: HTMLElement
  readonly #retry: HTMLElement
  readonly #signIn: HTMLElement
  readonly #readAll: HTMLElement
  readonly #pill: HTMLElement
  #held: readonly Item[] = []
  /** The state that the rows show; '' before there are any. */
  #shows = ''
  #loading = false
  #failed = false

  constructor(bell: NotificationBell, control: HTMLElement, element: HTMLElement) {
    const { say, client, kit } = bell
    const { button, h } = kit
    this.#bell = bell
    this.#control = control
    this.#element = element
    this.#pending = kit.createPending()
    this.#list = h('ol', { class: 'belfry-list' })
    this.#words = h('p', { class: 'belfry-note' })
    this.#retry = button(say('retry'), () => void this.#load())
    this.#signIn = h('a', { class: 'belfry-button', href: client.base }, say('signIn'))
    this.#readAll = button(say('readAll'), () => void this.#markAll())
    this.#pill = button('', () => this.#take(this.#held), 'belfry-button belfry-button-main')
    const head = h('div', { class: 'belfry-head' }, h('h2', {}, say('bell')), this.#readAll)
    const all = h('a', { href: client.base, class: 'belfry-all' }, say('seeAll'))
    element.replaceChildren(head, this.#pill, this.#words, this.#retry, this.#signIn, this.#list, all)
    element.addEventListener('toggle', () => this.#opened())
    this.#opened()
  }

  /** Says again how things stand; an open panel reads what is new. */
  refresh(): void {
    this.#settle()
    const { state } = this.#bell.client.getSnapshot()
    if (this.#isOpen && state && this.#shows !== `${state.epoch} ${state.version}`) void this.#load()
  }

  get #isOpen(): boolean {
    return this.#element.matches(':popover-open')
  }

  #opened(): void {
    if (this.#isOpen) void this.#load()
    else this.#settle()
  }

  #rows(): HTMLElement[] {
    return [...this.#list.querySelectorAll<HTMLElement>('[data-id]')]
  }

  async #load(): Promise<void> {
    if (this.#loading) return
    this.#loading = true
    this.#failed = false
    if (!this.#shows) this.#list.replaceChildren(...[1, 2, 3].map(() => this.#bell.kit.h('li', { class: 'belfry-skeleton' })))
    this.#settle()
    const page = await this.#bell.client.list({ limit: String(LATEST) }).catch(() => undefined)
    if (!this.#shows) this.#list.replaceChildren()
    if (page) this.#show(page)
    this.#failed = !page
    this.#loading = false
    if (page) this.refresh()
    else this.#settle()
  }

  #show(page: ItemPage): void {
    this.#shows = `${page.epoch} ${page.version}`
    const rows = this.#rows()
    const { head, same, gone } = this.#bell.kit.compare(rows.map(idOf), page, LATEST, true)
    for (const row of rows) {
      const item = same.find(({ id }) => id === idOf(row))
      if (gone.includes(idOf(row))) this.#remove(row)
      else if (item && !this.#pending.has(item.id)) this.#bell.kit.showState(row, item.state, this.#bell.say)
    }
    this.#held = head.filter(({ id }) => !this.#pending.has(id))
    // New ones come in by themselves unless somebody is busy below them.
    if (this.#list.scrollTop === 0 && !this.#list.matches(':focus-within')) this.#take(this.#held)
  }

  #take(items: readonly Item[]): void {
    this.#list.prepend(...items.map((item) => panelRow(item, this.#bell, (row, action) => void this.#act(row, action))))
    this.#held = []
    for (const row of this.#rows().slice(LATEST)) row.remove()
    this.#settle()
  }

  #remove(row: HTMLElement): void {
    const hadFocus = row.contains(document.activeElement)
    const neighbour = row.nextElementSibling ?? row.previousElementSibling
    row.remove()
    if (hadFocus) (neighbour?.querySelector('a') ?? this.#control).focus()
  }

  async #act(row: HTMLElement, action: Action): Promise<void> {
    const { client, say, kit } = this.#bell
    const before = row.dataset.state as ItemState
    const below = row.nextSibling
    if (action === 'archive') this.#remove(row)
    else {
      row.querySelector('a')?.focus()
      kit.showState(row, 'read', say)
    }
    const undo = () => {
      kit.showState(row, before, say)
      if (action === 'archive') this.#list.insertBefore(row, below?.parentNode ? below : null)
    }
    this.#failed = !(await this.#pending.run(idOf(row), () => client.mark(idOf(row), action), undo))
    this.#settle()
  }

  async #markAll(): Promise<void> {
    const upTo = this.#rows()[0]?.dataset.cursor
    if (upTo)
      this.#failed = !(await this.#bell.client.readAll(upTo).then(
        () => true,
        () => false,
      ))
    this.#settle()
  }

  #settle(): void {
    const { client, say } = this.#bell
    const { connection, state } = client.getSnapshot()
    const out = connection === 'signed-out'
    const empty = this.#shows && this.#rows().length === 0
    const key = out ? 'signedOut' : connection === 'offline' ? 'offline' : this.#failed ? 'failed' : empty ? 'empty' : undefined
    this.#words.textContent = key ? say(key) : ''
    this.#words.hidden = !key
    this.#retry.hidden = !this.#failed || out
    this.#signIn.hidden = !out
    this.#list.hidden = out
    this.#readAll.hidden = out || !state?.unread
    this.#pill.hidden = this.#held.length === 0
    this.#pill.textContent = say('fresh', this.#held.length)
    this.#list.ariaBusy = String(this.#loading)
  }
}

function idOf(row: HTMLElement): string {
  return row.dataset.id ?? ''
}
