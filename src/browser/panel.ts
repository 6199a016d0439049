import type { Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { createPanelList, LATEST } from './panel-list.js'
import type { Connection } from './state.js'

export interface Panel {
  /** Says again how things stand; an open panel reads what is new. */
  refresh(): void
}

/** What is in the panel below the bell: the latest few, and how things stand when there is nothing to show. */
export function createPanel(bell: NotificationBell, control: HTMLElement, element: HTMLElement): Panel {
  const { say, client, kit } = bell
  const { button, h } = kit
  let held: readonly Item[] = []
  /** The state that the rows show; '' before there are any. */
  let shows = ''
  let loading = false
  let failed = false

  const note = (connection: Connection) => {
    if (connection === 'signed-out') return 'signedOut'
    if (connection === 'offline') return connection
    if (failed) return 'failed'
    return shows && list.rows().length === 0 ? 'empty' : undefined
  }
  const settle = () => {
    const { connection, state } = client.getSnapshot()
    const key = note(connection)
    const out = key === 'signedOut'
    words.textContent = key ? say(key) : ''
    words.hidden = !key
    retry.hidden = !failed || out
    signIn.hidden = !out
    list.element.hidden = out
    readAll.hidden = out || !state?.unread
    pill.hidden = held.length === 0
    pill.textContent = say('fresh', held.length)
    list.element.ariaBusy = String(loading)
  }
  const did = (worked: boolean) => {
    failed = !worked
    settle()
  }
  const load = async () => {
    if (loading) return
    loading = true
    if (!shows) list.element.replaceChildren(...[1, 2, 3].map(() => h('li', { class: 'belfry-skeleton' })))
    did(true)
    const page = await client.list({ limit: String(LATEST) }).catch(() => undefined)
    if (!shows) list.element.replaceChildren()
    if (page) {
      shows = `${page.epoch} ${page.version}`
      held = list.show(page)
    }
    loading = false
    did(page !== undefined)
    if (page) refresh()
  }
  const refresh = () => {
    settle()
    const { state } = client.getSnapshot()
    if (state && shows !== `${state.epoch} ${state.version}`) opened()
  }
  const opened = () => {
    if (element.matches(':popover-open')) void load()
  }
  const markAll = () => {
    const upTo = list.rows()[0]?.dataset.cursor
    if (upTo)
      client.readAll(upTo).then(
        () => did(true),
        () => did(false),
      )
  }

  const list = createPanelList(bell, control, did)
  const words = h('p', { class: 'belfry-note' })
  const retry = button(say('retry'), load)
  const signIn = h('a', { class: 'belfry-button', href: client.base }, say('signIn'))
  const readAll = button(say('readAll'), markAll)
  const take = () => {
    list.take(held)
    held = []
    settle()
  }
  const pill = button('', take, 'belfry-button belfry-button-main')
  const head = h('div', { class: 'belfry-head' }, h('h2', {}, say('bell')), readAll)
  element.replaceChildren(head, pill, words, retry, signIn, list.element, h('a', { href: client.base, class: 'belfry-all' }, say('seeAll')))
  element.addEventListener('toggle', opened)
  settle()
  opened()
  return { refresh }
}
