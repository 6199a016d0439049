import type { ItemState } from '../notifications/protocol.js'
import type { Action } from './core.js'
import { type InboxView, idOf } from './inbox-view.js'

/** Decides when a change is sent. */
export type Sending = (send: () => Promise<void>) => Promise<void>

/** What was changed on this page, and how that is told to the server. */
export interface Changes {
  /** Shows a row so, because somebody did that here. */
  show(row: HTMLElement, state: ItemState): void
  /** Tells the server, after what is under way for the row; `undo` where it refuses. Says whether it was done. */
  send(row: HTMLElement, action: Action, undo: () => void, sending?: Sending): Promise<boolean>
  /** Whether something about it is on its way. */
  sending(id: string): boolean
  /** Says that it failed, and says it where it happened, too. */
  fail(place: Element | null | undefined): void
  clear(place: Element | null | undefined): void
  /** Whether a row stays though the filter does not show it any more: it was read right here. */
  keeps(id: string): boolean
  /** Whether it was changed here since `forgetTouched`: what was read from the server meanwhile may be older. */
  touched(id: string): boolean
  forgetTouched(): void
}

export function createChanges({ bell, list, row: rowOf }: InboxView): Changes {
  const { client, kit, say } = bell
  const pending = kit.createPending()
  const kept = new Set<string>()
  const touched = new Set<string>()
  const own = (id: string) => {
    kept.add(id)
    touched.add(id)
  }
  const clear = (place: Element | null | undefined) => place?.querySelector('.belfry-failed')?.remove()
  const fail = (place: Element | null | undefined) => {
    bell.announce(say('failed'))
    clear(place)
    place?.append(kit.h('p', { class: 'belfry-failed' }, say('failed')))
  }
  return {
    show(row, state) {
      own(idOf(row))
      kit.showState(row, state, say)
    },
    async send(row, action, undo, sending = (send) => send()) {
      const id = idOf(row)
      own(id)
      clear(rowOf(id))
      const done = await pending.run(id, () => sending(() => client.mark(id, action)), undo)
      touched.add(id)
      if (!done) fail(rowOf(id)?.querySelector('.belfry-item-text'))
      return done
    },
    sending: pending.has,
    fail,
    clear,
    keeps: (id) => list.dataset.filter === 'unread' && kept.has(id),
    touched: (id) => touched.has(id) || pending.has(id),
    forgetTouched: () => touched.clear(),
  }
}
