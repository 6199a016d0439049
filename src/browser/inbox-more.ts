import type { RowActions } from './inbox-actions.js'
import type { Selection } from './inbox-selection.js'
import type { InboxView } from './inbox-view.js'

/** What few ask for: the buttons are there at once, what they open is fetched when somebody first wants it. */
export interface More {
  selection(use: (selection: Selection) => void): void
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
  const help = () => dialog((made) => made.showModal())
  const opener = button(view.say('select'), () => selection((made) => made.open(opener.ariaPressed === 'false')))
  opener.ariaPressed = 'false'
  // Before the form, which comes and goes at the other end: neither moves the other.
  head?.firstElementChild?.after(opener)
  foot?.append(button(view.say('keys'), help, 'belfry-link'))
  return { selection, help }
}
