import { badgeText, type Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { english, type SayInbox } from './inbox-messages.js'
import { createRow, groupByDay } from './rows.js'

/** The server-rendered inbox: its rows and what belongs around them. */
export class InboxView {
  readonly root: HTMLElement
  readonly bell: NotificationBell
  readonly list: HTMLElement
  readonly say: SayInbox
  /** Done to every row that comes in. */
  decorate: (row: HTMLElement) => void = () => {}
  readonly #rowTemplate: HTMLTemplateElement
  readonly #dayTemplate: HTMLTemplateElement

  constructor(root: HTMLElement, bell: NotificationBell) {
    this.root = root
    this.bell = bell
    this.say = bell.speak(english)
    this.list = this.#one('[data-belfry-list]')
    this.#rowTemplate = this.#one('template[data-belfry-row]')
    this.#dayTemplate = this.#one('template[data-belfry-day]')
  }

  #one<T extends HTMLElement>(selector: string): T {
    const found = this.root.querySelector<T>(selector)
    if (!found) throw new Error(`The inbox has no ${selector}.`)
    return found
  }

  rows(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>('[data-notification-id]')]
  }

  row(id: string): HTMLElement | undefined {
    return this.rows().find((row) => idOf(row) === id)
  }

  create(item: Item): HTMLElement {
    const { say, clock, client } = this.bell
    const row = createRow(this.bell.kit, this.#rowTemplate, item, client.base, { say, sayInbox: this.say, clock })
    this.decorate(row)
    return row
  }

  /** Takes a row away; focus that was in it goes to its neighbour instead of getting lost. */
  remove(row: HTMLElement): void {
    const hadFocus = row.contains(document.activeElement)
    const rows = this.rows()
    const at = rows.indexOf(row)
    row.remove()
    if (hadFocus) focusOn(rows[at + 1] ?? rows[at - 1])
  }

  /** After rows came or went: headings, the kind word of an empty list, and what 'all up to here' means. */
  settle(): void {
    const rows = this.rows()
    groupByDay(this.list, this.#dayTemplate, this.bell.clock)
    const newest = rows[0]?.dataset.cursor ?? ''
    this.list.dataset.newest = newest
    const upTo = this.root.querySelector<HTMLInputElement>('[data-belfry-read-all] [name=upTo]')
    if (upTo && newest) upTo.value = newest
    const empty = this.root.querySelector<HTMLElement>('[data-belfry-empty]')
    if (empty) empty.hidden = this.list.children.length > 0
  }

  showCount(unread: number): void {
    const count = this.root.querySelector('[data-belfry-unread]')
    if (count) count.textContent = badgeText(unread)
    const readAll = this.root.querySelector<HTMLElement>('[data-belfry-read-all]')
    if (readAll) readAll.hidden = unread === 0
  }

  tellTime(): void {
    for (const row of this.rows()) {
      const time = row.querySelector('time')
      if (time) this.bell.clock.show(time, true)
    }
    this.settle()
  }
}

export function idOf(row: HTMLElement): string {
  return row.dataset.notificationId ?? ''
}

export function focusOn(row: Element | null | undefined): void {
  row?.querySelector<HTMLElement>('[data-slot-link]')?.focus()
}
