import type { ItemState } from '../notifications/protocol.js'
import type { Action } from './core.js'
import { lineFor, titleOf } from './inbox-line.js'
import { type InboxView, idOf } from './inbox-view.js'
import type { Pending, Trouble } from './pending.js'
import { queue } from './queue.js'

/** What was changed on this page, and how that is told to the server. */
export interface Changes {
  /** Shows a row so, because somebody did that here. */
  show(row: HTMLElement, state: ItemState): void
  /** Tells the server one after the other, after what is under way for the row; `undo` where it refuses. Says whether it was, or need not be any more. */
  send(row: HTMLElement, actions: readonly Action[], undo: () => void): Promise<boolean>
  /** Whether something about it is on its way. */
  sending(id: string): boolean
  /** As `send`, for what is not about one row. */
  run: Pending['run']
  /** Says what is wrong, and says it where it happened, too. */
  fail(place: Element | null | undefined, trouble: Trouble): void
  clear(place: Element | null | undefined): void
  /** Whether a row stays though the filter does not show it any more: it was read right here. */
  keeps(id: string): boolean
  /** Whether it was changed here since `forgetTouched`: what was read from the server meanwhile may be older. */
  touched(id: string): boolean
  forgetTouched(): void
}

export function createChanges(view: InboxView): Changes {
  const { bell, list } = view
  const { client, kit, say } = bell
  const pending = kit.createPending()
  const kept = new Set<string>()
  const touched = new Set<string>()
  const own = (id: string) => {
    kept.add(id)
    touched.add(id)
  }
  const clear = (place: Element | null | undefined) => place?.querySelector('.belfry-failed')?.remove()
  const fail = (place: Element | null | undefined, trouble: Trouble) => {
    bell.announce(say(trouble))
    clear(place)
    place?.append(kit.h('p', { class: 'belfry-failed' }, say(trouble)))
  }
  /** A row that is there no more leaves a line that says so, be it shown or away. */
  const leave = (row: HTMLElement) => {
    bell.announce(say('gone', 0, titleOf(row)))
    const place = list.querySelector<HTMLElement>(`[data-cursor="${row.dataset.cursor}"]`)
    if (!place) return
    place.before(lineFor(view, row, say('gone', 0, '')))
    view.remove(place)
    view.settle()
  }
  return {
    show(row, state) {
      own(idOf(row))
      kit.showState(row, state, say)
    },
    async send(row, actions, undo) {
      const id = idOf(row)
      own(id)
      clear(row)
      const tell = async () => {
        for (const action of actions) await client.mark(id, action)
      }
      const trouble = await pending.run(id, () => queue(tell), undo)
      touched.add(id)
      if (trouble === 'gone') leave(row)
      else if (trouble) fail(row.querySelector('.belfry-item-text'), trouble)
      return !trouble || trouble === 'gone'
    },
    run: pending.run,
    sending: pending.has,
    fail,
    clear,
    keeps: (id) => list.dataset.filter === 'unread' && kept.has(id),
    touched: (id) => touched.has(id) || pending.has(id),
    forgetTouched: () => touched.clear(),
  }
}
