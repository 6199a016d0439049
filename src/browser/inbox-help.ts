import { english } from './extras-messages.js'
import type { InboxView } from './inbox-view.js'
import { prefer } from './preferences.js'

/** The list of keys, and the switch that turns them off. */
export function createHelp({ bell, root, say: sayInbox }: InboxView): HTMLDialogElement {
  const { button, h, preferences } = bell.kit
  const say = bell.speak(english)
  const keys = [
    ['J', say('keyNext')],
    ['K', say('keyPrevious')],
    ['Enter', say('keyOpen')],
    ['X', sayInbox('select')],
    ['E', bell.say('archive')],
    ['Shift + I', bell.say('read')],
    ['Shift + U', say('unread')],
    ['?', say('keyHelp')],
  ] as const
  const box = h('input', { type: 'checkbox' })
  box.checked = preferences().keys
  box.onchange = () => prefer({ ...preferences(), keys: box.checked })
  const title = sayInbox('keys')
  const list = h('dl', {}, ...keys.flatMap(([key, words]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, words)]))
  const dialog = h(
    'dialog',
    { class: 'belfry-help', 'aria-label': title },
    h('h2', {}, title),
    list,
    h('p', {}, say('keysSelected')),
    h('label', {}, box, ` ${say('keysOn')}`),
    button(say('done'), () => dialog.close()),
  )
  root.append(dialog)
  return dialog
}
