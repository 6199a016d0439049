import type { Item } from '../notifications/protocol.js'
import type { RowActions } from './inbox-actions.js'
import { focusOn, type InboxView, idOf } from './inbox-view.js'

const PAGE = 25
const MOST = 100
/** Changes come in bursts: the list is read at most this often, in milliseconds. */
const READ_EVERY = 200
/** When it could not be read, in milliseconds. */
const TRY_AGAIN_AFTER = 5000
const CLOCK_EVERY = 30_000

/** Keeps the list as the server has it: rows come, change and go by themselves, but never move what one reads. */
export function keepLive(view: InboxView, actions: RowActions): void {
  const { bell, list, root } = view
  const { client, say, kit } = bell
  const query = Object.fromEntries(new URLSearchParams(location.search))
  const isLast = root.querySelector('[data-belfry-older]') === null
  let shows = `${bell.dataset.epoch} ${bell.dataset.version}`
  let held: readonly Item[] = []
  let reading = false

  const pill = kit.button('', () => showHeld(), 'belfry-button belfry-pill')
  pill.hidden = true
  list.before(pill)

  const topInView = () => list.getBoundingClientRect().top >= 0
  const release = () => {
    list.prepend(...held.map((item) => view.create(item)))
    held = []
    pill.hidden = true
    view.settle()
  }
  const showHeld = () => {
    release()
    scrollTo(0, 0)
    focusOn(view.rows()[0])
  }
  const take = (head: readonly Item[]) => {
    held = head
    if (!('before' in query) && topInView()) return release()
    pill.textContent = say('fresh', head.length)
    pill.hidden = head.length === 0
  }

  /** Says whether all of it was believed: what was changed here meanwhile may be older there, and is read again. */
  const show = (items: readonly Item[], nextCursor: string | null): boolean => {
    const ids = view.rows().map(idOf)
    const believed = items.filter(({ id }) => ids.includes(id) || !actions.touched(id))
    const { head, insert, tail, same, gone } = kit.compare(ids, { items: believed, nextCursor }, PAGE, isLast)
    const other = same.filter(({ id, state }) => view.row(id)?.dataset.state !== state)
    const lost = gone.filter((id) => !actions.keeps(id))
    const sure = (id: string) => !actions.touched(id)
    for (const row of view.rows()) {
      const item = other.find(({ id }) => id === idOf(row))
      if (!sure(idOf(row))) continue
      if (lost.includes(idOf(row))) view.remove(row)
      else if (item) kit.showState(row, item.state, say)
    }
    for (const { item, before } of insert) view.row(before)?.before(view.create(item))
    list.append(...tail.map((item) => view.create(item)))
    take(head)
    view.settle()
    return believed.length === items.length && lost.every(sure) && other.every(({ id }) => sure(id))
  }

  const readOnce = async () => {
    actions.forgetTouched()
    const ids = new Set(view.rows().map(idOf))
    const page = await client.list({ ...query, limit: String(Math.min(MOST, Math.max(PAGE, ids.size + 10))) })
    const items = [...page.items]
    let { nextCursor } = page
    while (nextCursor !== null && ids.size > 0 && items.length < MOST * 10 && !items.some(({ id }) => ids.has(id))) {
      const more = await client.list({ ...query, before: nextCursor, limit: String(MOST) })
      items.push(...more.items)
      nextCursor = more.nextCursor
    }
    shows = show(items, nextCursor) ? `${page.epoch} ${page.version}` : ''
  }

  const isOld = () => {
    const { state, connection } = client.getSnapshot()
    return state !== undefined && connection !== 'signed-out' && `${state.epoch} ${state.version}` !== shows
  }
  /** Reads until the newest state is shown; a page that nobody sees waits until somebody does. */
  const read = async () => {
    if (reading || 'after' in query) return
    reading = true
    try {
      while (!document.hidden && isOld()) {
        await readOnce()
        await new Promise((resolve) => setTimeout(resolve, READ_EVERY))
      }
    } catch {
      setTimeout(changed, TRY_AGAIN_AFTER)
    } finally {
      reading = false
    }
  }

  addEventListener('scroll', () => held.length > 0 && topInView() && release(), { passive: true })
  const changed = () => {
    view.showCount(client.getSnapshot().state?.unread ?? 0)
    void read()
  }
  document.addEventListener('visibilitychange', changed)
  addEventListener('pageshow', changed)
  setInterval(() => view.tellTime(), CLOCK_EVERY)
  client.subscribe(changed)
  view.tellTime()
  changed()
}
