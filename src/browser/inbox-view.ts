import { badgeText, type Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { english, type SayInbox } from './inbox-messages.js'
import { createRow, groupByDay } from './rows.js'

/** The server-rendered inbox: its rows and what belongs around them. */
export interface InboxView {
  readonly root: HTMLElement
  readonly bell: NotificationBell
  readonly list: HTMLElement
  readonly say: SayInbox
  /** Ends what listens beyond the root: with the view as its options, a listener ends with it. */
  readonly signal: AbortSignal
  /** Done to every row that comes in. */
  decorate: (row: HTMLElement) => void
  rows(): HTMLElement[]
  /** Where the newest stands that was ever shown here: only what came later is new. Where new ones don't come in, nothing is. */
  newest(): number
  /** Puts a row for it where it belongs. */
  insert(item: Item): void
  /** Takes a row away; focus that was in it goes to its neighbour instead of getting lost. */
  remove(row: HTMLElement): void
  /** After rows came or went: headings, the kind word of an empty list, and what 'all up to here' means. */
  settle(): void
  showCount(unread: number): void
  tellTime(): void
}

export function createInboxView(root: HTMLElement, bell: NotificationBell, signal: AbortSignal): InboxView {
  const { clock, kit } = bell
  const one = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector)
  const list = one('[data-belfry-list]') as HTMLElement
  const rowTemplate = one('template[data-belfry-row]') as HTMLTemplateElement
  const dayTemplate = one('template[data-belfry-day]') as HTMLTemplateElement
  const say = bell.speak(english)
  const rows = () => [...list.querySelectorAll<HTMLElement>('[data-notification-id]')]
  let latest = 'top' in list.dataset ? 0 : Number.POSITIVE_INFINITY
  const settle = () => {
    groupByDay(list, dayTemplate, bell)
    const newest = rows()[0]?.dataset.cursor ?? ''
    list.dataset.newest = newest
    latest = Math.max(latest, kit.position(newest))
    const upTo = one<HTMLInputElement>('[data-belfry-read-all] [name=upTo]')
    if (upTo && newest) upTo.value = newest
    const empty = one('[data-belfry-empty]')
    if (empty) empty.hidden = list.children.length > 0
  }
  const view: InboxView = {
    root,
    bell,
    list,
    say,
    signal,
    decorate: () => {},
    rows,
    newest: () => latest,
    insert(item) {
      const row = createRow(bell, rowTemplate, item, say)
      view.decorate(row)
      kit.place(list, row)
    },
    remove(row) {
      const all = rows()
      const at = all.indexOf(row)
      if (row.matches(':focus-within')) focusOn(all[at + 1] ?? all[at - 1])
      row.remove()
    },
    settle,
    showCount(unread) {
      kit.write(root, '[data-belfry-unread]', badgeText(unread))
      const readAll = one('[data-belfry-read-all]')
      if (!readAll) return
      if (!unread && readAll.matches(':focus-within')) one('.belfry-head > button')?.focus()
      readAll.hidden = !unread
    },
    tellTime() {
      for (const row of rows()) clock.show(row.querySelector('time') as HTMLTimeElement, true)
      settle()
    },
  }
  return view
}

export function idOf(row: HTMLElement): string {
  return row.dataset.notificationId ?? ''
}

export function focusOn(row: Element | null | undefined): void {
  row?.querySelector<HTMLElement>('[data-slot-link]')?.focus()
}
