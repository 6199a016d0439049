import type { Item } from '../notifications/protocol.js'
import type { RowActions } from './inbox-actions.js'
import { PAGE, type Query, type Reading, readInbox } from './inbox-read.js'
import { focusOn, type InboxView, idOf } from './inbox-view.js'
import { compare, position } from './list.js'

/** Changes come in bursts: the list is read at most this often, in milliseconds. */
const READ_EVERY = 200
/** When it could not be read, or no newer one was to be had, in milliseconds. */
const TRY_AGAIN_AFTER = 5000
const CLOCK_EVERY = 30_000

/** Keeps the list as the server has it: rows come, change and go by themselves, but never move what one reads. */
export function keepLive(view: InboxView, actions: RowActions): void {
  const { bell, list } = view
  const { client } = bell
  const query = Object.fromEntries(new URLSearchParams(location.search))
  const show = createShow(view, actions, query, createHead(view))
  let shows = `${bell.dataset.epoch} ${bell.dataset.version}`
  let reading = false
  let again: ReturnType<typeof setTimeout> | undefined

  /** A list that was taken off a page that goes on shows nothing any more. */
  const isOld = () => {
    const { state, connection } = client.getSnapshot()
    return list.isConnected && state && connection !== 'signed-out' && `${state.epoch} ${state.version}` !== shows
  }
  /** Reads until the newest state is shown; a page that nobody sees waits until somebody does. */
  const read = async () => {
    if (reading || 'after' in query) return
    reading = true
    try {
      while (!document.hidden && isOld()) {
        actions.forgetTouched()
        const found = await readInbox(view, query, actions.keeps)
        // No better than none: whoever keeps answers, as a service worker may, would be asked without end.
        if (found.shows === shows) throw new Error()
        shows = steadily(view, () => show(found)) ? found.shows : ''
        await new Promise((resolve) => setTimeout(resolve, READ_EVERY))
      }
    } catch {
      clearTimeout(again)
      again = setTimeout(changed, TRY_AGAIN_AFTER)
    } finally {
      reading = false
    }
  }
  const changed = () => {
    view.showCount(client.getSnapshot().state?.unread ?? 0)
    void read()
  }
  addEventListener('visibilitychange', changed, view)
  view.signal.onabort = client.subscribe(changed)
  const tick = () => {
    view.tellTime()
    if (!view.signal.aborted) setTimeout(tick, CLOCK_EVERY)
  }
  tick()
  changed()
}

/** What is new: shown while the top is in view, else held back behind a pill that says how many. */
function createHead(view: InboxView): (items: readonly Item[]) => void {
  const { list, bell } = view
  let held: readonly Item[] = []
  const topInView = () => list.getBoundingClientRect().top >= 0
  const hold = (items: readonly Item[]) => {
    held = items
    pill.textContent = held[0] ? bell.say('fresh', held.length) : ''
  }
  const release = () => {
    for (const item of held) view.insert(item)
    hold([])
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
  list.before(pill)
  addEventListener('scroll', () => held[0] && topInView() && release(), view)
  return (items) => {
    hold(items)
    if (topInView()) release()
  }
}

/** Keeps in its place what one reads while rows go and come above it, where browsers do not do so themselves (WebKit). */
function steadily<T>({ list, rows }: InboxView, change: () => T): T {
  const placeOf = (element: Element) => element.getBoundingClientRect()
  const moves = placeOf(list).top < 0 && !CSS.supports('overflow-anchor:auto')
  const inView = moves ? rows().filter((row) => placeOf(row).bottom > 0) : []
  const tops = inView.map((row) => placeOf(row).top)
  const changed = change()
  const stays = inView.findIndex((row) => row.isConnected)
  const row = inView[stays]
  if (row) scrollBy(0, placeOf(row).top - (tops[stays] ?? 0))
  return changed
}

/** Shows what was read, and says whether all of it was believed: what was changed here meanwhile may be older there, and is read again. */
function createShow(view: InboxView, { touched }: RowActions, query: Query, showHead: (items: readonly Item[]) => void): (found: Reading) => boolean {
  const { list, bell, root, rows } = view
  const older = root.querySelector<HTMLAnchorElement>('[data-belfry-older]')
  /** What stands there or below belongs to the next page. */
  let end = older ? position(rows().at(-1)?.dataset.cursor) - 1 : 0
  const sure = (row: HTMLElement) => !touched(idOf(row))
  /** A page of which nothing is left takes what follows, if anything does. */
  const refill = (items: readonly Item[]) => {
    const last = items.slice(0, PAGE).at(-1)
    if (!older || !last || list.querySelector('[data-cursor]')) return
    end = position(last.cursor) - 1
    older.search = `${new URLSearchParams({ ...query, before: last.cursor })}`
  }
  return (found) => {
    const { fresh, same, gone } = compare(rows(), found)
    const other = same.filter(([row, { state }]) => row.dataset.state !== state)
    const believed = fresh.filter(({ id }) => !touched(id))
    for (const row of gone.filter(sure)) view.remove(row)
    for (const [row, { state }] of other) if (sure(row)) bell.kit.showState(row, state, bell.say)
    refill(believed)
    const newest = view.newest()
    const isNew = ({ cursor }: Item) => position(cursor) > newest
    for (const item of believed) if (position(item.cursor) > end && !isNew(item)) view.insert(item)
    showHead(believed.filter(isNew))
    view.settle()
    return believed.length === fresh.length && gone.every(sure) && other.every(([row]) => sure(row))
  }
}
