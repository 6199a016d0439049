import type { Action } from './core.js'
import type { RowActions } from './inbox-actions.js'
import type { InboxView } from './inbox-view.js'

/** What few ask for: the buttons are there at once, what they open is fetched when somebody first wants it. */
export interface More {
  toggle(row: HTMLElement): void
  /** Does it to all that is selected. */
  apply(action: Action): void
  help(): void
}

export function offerMore(view: InboxView, actions: RowActions): More {
  const { besides, button } = view.bell.kit
  const head = view.root.querySelector('.belfry-head')
  const foot = view.root.querySelector('.belfry-foot')
  const wanted = <T>(place: Element | null, make: (script: typeof import('./inbox-extras.js')) => T) => {
    let made: T | undefined
    return async (use: (made: T) => void) => {
      actions.clear(place)
      try {
        const script = await besides('inbox-extras')
        made ??= make(script as typeof import('./inbox-extras.js'))
        use(made)
      } catch {
        actions.fail(place, 'failed')
      }
    }
  }
  const selection = wanted(head, ({ createSelection }) => createSelection(view, actions, opener))
  const dialog = wanted(foot, ({ createHelp }) => createHelp(view))
  const help = () => void dialog((made) => made.showModal())
  const opener = button(view.say('select'), () => void selection((made) => made.open(opener.ariaPressed === 'false')))
  opener.ariaPressed = 'false'
  // Before the form, which comes and goes at the other end: neither moves the other.
  head?.insertBefore(opener, head.children[1] ?? null)
  foot?.append(button(view.say('keys'), help, 'belfry-link'))
  return { toggle: (row) => void selection((made) => made.toggle(row)), apply: (action) => void selection((made) => made.apply(action)), help }
}
