import type { Item, ItemState } from '../notifications/protocol.js'
import type { Say } from './messages.js'
import type { Clock } from './time.js'

/** How rows speak. */
export interface RowContext {
  readonly say: Say
  readonly clock: Clock
}

/** A copy of the page's own empty row, filled with text: nothing that anybody typed is ever read as HTML. */
export function createRow(template: HTMLTemplateElement, item: Item, base: string, { say, clock }: RowContext): HTMLElement {
  const row = template.content.firstElementChild?.cloneNode(true) as HTMLElement
  const href = `${base}/${encodeURIComponent(item.id)}`
  Object.assign(row.dataset, { notificationId: item.id, level: item.level, cursor: item.cursor })
  fill(row, 'title', item.title)
  fill(row, 'body', (item.body ?? '').slice(0, 300))
  fill(row, 'level', item.level === 'info' ? '' : say(item.level))
  fill(row, 'from', senderOf(item.data))
  fill(row, 'category', item.category ?? '')
  row.querySelector('[data-slot-link]')?.setAttribute('href', href)
  row.querySelector('a[data-slot=category]')?.setAttribute('href', `${base}?${new URLSearchParams({ category: item.category ?? '' })}`)
  for (const form of row.querySelectorAll<HTMLElement>('[data-belfry-action]')) form.setAttribute('action', `${href}/${form.dataset['belfryAction']}`)
  const when = row.querySelector('time')
  when?.setAttribute('datetime', item.createdAt)
  if (when) clock.show(when)
  showState(row, item.state, say)
  return row
}

/** Shows a row as unread, read or archived. */
export function showState(row: HTMLElement, state: ItemState, say: Say): void {
  row.dataset['state'] = state
  fill(row, 'state', state === 'unread' ? `${say('unreadMark')} ` : '')
}

/** Puts the heading of its day above the first row of each day, and takes those away that head nothing. */
export function groupByDay(list: Element, template: HTMLTemplateElement, { dayOf }: Clock): void {
  let day = ''
  let heading: HTMLElement | undefined
  for (const child of [...list.children] as HTMLElement[]) {
    const iso = child.querySelector('time')?.getAttribute('datetime')
    if (child.dataset['day'] !== undefined) {
      heading?.remove()
      heading = child
    } else if (iso && child.dataset['notificationId'] !== undefined) {
      const { key, words } = dayOf(iso)
      if (key !== day) {
        heading ??= template.content.firstElementChild?.cloneNode(true) as HTMLElement
        if (heading.nextElementSibling !== child) child.before(heading)
        heading.dataset['day'] = key
        const time = heading.querySelector('time')
        time?.setAttribute('datetime', key)
        if (time && time.textContent !== words) time.textContent = words
      } else heading?.remove()
      heading = undefined
      day = key
    }
  }
  heading?.remove()
}

function fill(row: Element, slot: string, text: string): void {
  const place = row.querySelector(`[data-slot=${slot}]`)
  if (place) place.textContent = text
}

function senderOf(data: unknown): string {
  const from = (data as { from?: unknown } | null)?.from
  return typeof from === 'string' ? from.slice(0, 200) : ''
}
