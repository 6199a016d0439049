import type { Item, ItemState } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { write } from './dom.js'
import type { SayInbox } from './inbox-messages.js'
import type { Say } from './messages.js'
import type { Clock } from './time.js'

/** A copy of the page's own empty row, filled with text: nothing that anybody typed is ever read as HTML. */
export function createRow({ client, clock, kit, say }: NotificationBell, template: HTMLTemplateElement, item: Item, sayInbox: SayInbox): HTMLElement {
  const row = template.content.firstElementChild?.cloneNode(true) as HTMLElement
  const href = `${client.base}/${encodeURIComponent(item.id)}`
  const fill = (slot: string, text: string) => kit.write(row, `[data-slot=${slot}]`, text)
  Object.assign(row.dataset, { notificationId: item.id, level: item.level, cursor: item.cursor })
  fill('title', item.title)
  fill('body', (item.body ?? '').slice(0, 300))
  fill('level', item.level === 'info' ? '' : sayInbox(item.level))
  fill('from', senderOf(item.data))
  fill('category', item.category ?? '')
  row.querySelector('[data-slot-link]')?.setAttribute('href', href)
  row.querySelector('a[data-slot=category]')?.setAttribute('href', `${client.base}?${new URLSearchParams({ category: item.category ?? '' })}`)
  for (const form of row.querySelectorAll<HTMLElement>('[data-belfry-action]')) {
    form.setAttribute('action', `${href}/${form.dataset.belfryAction}`)
    ;(form.firstElementChild as HTMLElement).ariaDescription = item.title
  }
  const when = row.querySelector('time') as HTMLTimeElement
  when.dateTime = item.createdAt
  clock.show(when, true)
  kit.showState(row, item.state, say)
  return row
}

/** Shows a row as unread, read or archived. */
export function showState(row: HTMLElement, state: ItemState, say: Say): void {
  row.dataset.state = state
  write(row, '[data-slot=state]', state === 'unread' ? `${say('unreadMark')} ` : '')
}

/** What is needed of a bell to name days. */
interface Days {
  readonly clock: Clock
  readonly kit: { readonly write: typeof write }
}

/** Puts the heading of its day above the first entry of each day, and takes those away that head nothing. */
export function groupByDay(list: Element, template: HTMLTemplateElement, { clock, kit }: Days): void {
  const headings = new Map([...list.querySelectorAll<HTMLElement>('[data-day]')].map((heading) => [heading.dataset.day, heading]))
  let day = ''
  for (const entry of [...list.children] as HTMLElement[]) {
    const at = entry.dataset.at ?? entry.querySelector<HTMLTimeElement>('[data-slot=time]')?.dateTime
    const { key, words } = at ? clock.dayOf(at) : { key: day, words: '' }
    if (key === day) continue
    day = key
    const heading = headings.get(key) ?? (template.content.firstElementChild?.cloneNode(true) as HTMLElement)
    headings.delete(key)
    heading.dataset.day = key
    const time = heading.querySelector('time') as HTMLTimeElement
    time.dateTime = time.title = key
    kit.write(heading, 'time', words)
    if (heading.nextElementSibling !== entry) entry.before(heading)
  }
  for (const heading of headings.values()) heading.remove()
}

/** Who it is from, as far as it says. */
export function senderOf(data: unknown): string {
  const from = (data as { from?: unknown } | null)?.from
  return typeof from === 'string' ? from.slice(0, 200) : ''
}
