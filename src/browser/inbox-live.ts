import type { Item } from '../notifications/protocol.js'
import type { RowActions } from './inbox-actions.js'
import { PAGE, type Query, type Reading, readInbox } from './inbox-read.js'
import { focusOn, type InboxView, idOf } from './inbox-view.js'

/** Changes come in bursts: the list is read at most this often, in milliseconds. */
const READ_EVERY = 200
/** When it could not be read, in milliseconds. */
const TRY_AGAIN_AFTER = 5000
const CLOCK_EVERY = 30_000

/** Keeps the list as the server has it: rows come, change and go by themselves, but never move what one reads. */
export function keepLive(view: InboxView, actions: RowActions): void {
  const { bell } = view
  const { client } = bell
  const query = Object.fromEntries(new URLSearchParams(location.search))
  const show = createShow(view, actions, createHead(view, query))
  let shows = `${bell.dataset.epoch} ${bell.dataset.version}`
  let reading = false

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
        actions.forgetTouched()
        const found = await readInbox(view, query, actions.keeps)
        shows = show(found) ? found.shows : ''
        await new Promise((resolve) => setTimeout(resolve, READ_EVERY))
      }
    } catch {
      setTimeout(changed, TRY_AGAIN_AFTER)
    } finally {
      reading = false
    }
  }
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

/** What came in above the first row: shown while the top is in view, else held back behind a pill that says how many. */
function createHead(view: InboxView, query: Query): (items: readonly Item[]) => void {
  const { list, bell } = view
  let held: readonly Item[] = []
  const topInView = () => list.getBoundingClientRect().top >= 0
  const release = () => {
    list.prepend(...held.map(view.create))
    held = []
    pill.hidden = true
    view.settle()
  }
  const pill = bell.kit.button(
    '',
    () => {
      release()
      scrollTo(0, 0)
      focusOn(view.rows()[0])
    },
    'belfry-button belfry-pill',
  )
  pill.hidden = true
  list.before(pill)
  addEventListener('scroll', () => held.length > 0 && topInView() && release(), { passive: true })
  return (items) => {
    held = items
    if (!('before' in query) && topInView()) return release()
    pill.textContent = bell.say('fresh', items.length)
    pill.hidden = items.length === 0
  }
}

/** Shows what was read, and says whether all of it was believed: what was changed here meanwhile may be older there, and is read again. */
function createShow(view: InboxView, { touched }: RowActions, showHead: (items: readonly Item[]) => void): (found: Reading) => boolean {
  const { list, bell, root } = view
  const isLast = root.querySelector('[data-belfry-older]') === null
  const sure = (id: string) => !touched(id)
  return ({ items, nextCursor, left }) => {
    const rows = new Map(view.rows().map((row) => [idOf(row), row]))
    const believed = items.filter(({ id }) => rows.has(id) || sure(id))
    const { head, insert, tail, same, gone } = bell.kit.compare([...rows.keys()], { items: believed, nextCursor }, PAGE, isLast)
    const other = same.filter(({ id, state }) => rows.get(id)?.dataset.state !== state)
    const lost = gone.filter((id) => !left.has(id))
    for (const id of lost.filter(sure)) view.remove(rows.get(id) as HTMLElement)
    for (const { id, state } of other) if (sure(id)) bell.kit.showState(rows.get(id) as HTMLElement, state, bell.say)
    for (const { item, before } of insert) view.row(before)?.before(view.create(item))
    list.append(...tail.map(view.create))
    showHead(head)
    view.settle()
    return believed.length === items.length && lost.every(sure) && other.every(({ id }) => sure(id))
  }
}
