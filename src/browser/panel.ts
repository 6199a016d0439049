import type { Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { createPanelList, LATEST } from './panel-list.js'
import { english } from './panel-messages.js'

export interface Panel {
  /** Says again how things stand; an open panel reads what is new. */
  refresh(): void
}

/** What is in the panel below the bell: the latest few, and how things stand when there is nothing to show. */
export function createPanel(bell: NotificationBell, control: HTMLElement, element: HTMLElement): Panel {
  const { say, client, kit } = bell
  const { button, h } = kit
  const sayPanel = bell.speak(english)
  let held: readonly Item[] = []
  /** The state that the rows show; '' before there are any. */
  let shows = ''
  let loading = false
  /** Whether they could not be read, and can be asked for again. */
  let again = false
  /** What is to be said about what was not done. */
  let wrong = ''

  const settle = () => {
    const { connection, state } = client.getSnapshot()
    const focused = element.querySelector(':focus')
    const empty = shows && !list.element.firstChild ? sayPanel('empty') : ''
    words.textContent = connection === 'offline' ? say(connection) : wrong || empty
    retry.hidden = !again
    readAll.hidden = !state?.unread
    pill.textContent = held[0] ? say('fresh', held.length) : ''
    // What was hidden gives its focus to the first link that is not.
    if (focused && !focused.checkVisibility()) element.querySelector('a')?.focus()
  }
  const did = (now = '') => {
    wrong = now
    settle()
    if (now) bell.announce(now)
  }
  const load = async () => {
    if (loading) return
    loading = true
    again = false
    did()
    let trouble = ''
    const { state } = client.getSnapshot()
    const page = await client.list({ limit: `${LATEST}` }).catch(({ status }) => {
      trouble = say(status ? 'failed' : 'offline')
    })
    if (page) {
      shows = `${page.epoch} ${page.version}`
      held = list.show(page)
    }
    loading = false
    again = !page
    list.element.ariaBusy = 'false'
    did(trouble)
    // Not for what is older than the state and stays so: whoever keeps answers, as a service worker may, would be asked without end.
    if (page && client.getSnapshot().state !== state) refresh()
  }
  const refresh = () => {
    settle()
    const { state } = client.getSnapshot()
    if (state && shows !== `${state.epoch} ${state.version}`) opened()
  }
  const opened = () => {
    if (element.matches(':popover-open')) void load()
    else for (const row of element.querySelectorAll('[data-state=archived]')) row.remove()
  }
  const markAll = () =>
    client.readAll(list.element.querySelector('li')?.dataset.cursor ?? '').then(
      () => {
        did()
        bell.announce(say('unreadCount', client.getSnapshot().state?.unread))
      },
      () => did(say('failed')),
    )

  const list = createPanelList(bell, control, did)
  const words = h('p', { class: 'belfry-note' })
  const retry = button(sayPanel('retry'), load)
  const readAll = button(say('readAll'), markAll)
  const take = () => {
    list.take(held)
    held = []
    settle()
  }
  const pill = button('', take, 'belfry-button belfry-button-main')
  const head = h('div', { class: 'belfry-head' }, h('h2', {}, say('bell')), readAll)
  element.replaceChildren(head, pill, words, retry, list.element, h('a', { href: client.base, class: 'belfry-all' }, say('seeAll')))
  // Not added: the panel of a session that is over gives way to another one.
  element.ontoggle = opened
  // A link that the first click of a double click brought below the pointer is not followed.
  element.onclick = ({ detail }) => detail < 2
  settle()
  opened()
  return { refresh }
}
