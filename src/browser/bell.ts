import { badgeText, type State } from '../notifications/protocol.js'
import { createAnnouncer } from './announce.js'
import { type Client, createClient } from './core.js'
import { h } from './dom.js'
import { english, type Say, sayIn } from './messages.js'
import { Panel } from './panel.js'
import { type Clock, createClock } from './time.js'

const clients = new Map<string, Client>()

/** The one client of a user on this page, however many bells it has. */
function clientOf(base: string, user: string | undefined, state: State | undefined): Client {
  const key = `${base} ${user}`
  const client = clients.get(key) ?? createClient({ base, user, state })
  clients.set(key, client)
  return client
}

/**
 * The bell around the server-rendered link to the inbox: keeps the badge, the title of the page and its own attributes right,
 * and announces what arrives. Without it, or before it, the link works by itself.
 */
export class NotificationBell extends HTMLElement {
  client!: Client
  say!: Say
  clock!: Clock
  #leave: (() => void) | undefined
  #panel: Panel | undefined
  #announce: ReturnType<typeof createAnnouncer> | undefined

  connectedCallback(): void {
    const { base, user } = this.dataset
    const language = document.documentElement.lang || 'en'
    this.say ??= sayIn(language, english)
    this.clock ??= createClock(language, this.say)
    this.client ??= clientOf(base ?? '/notifications', user, stateOf(this))
    const status = this.querySelector('[role=status]')
    if (status) this.#announce ??= createAnnouncer(status, this.say)
    this.#panel ??= this.#becomeButton()
    this.#leave = this.client.subscribe(() => this.#show())
    this.#show()
  }

  /** Tells a screen reader, through the one status of the page. */
  announce(words: string): void {
    const status = this.querySelector('[role=status]')
    if (status) status.textContent = words
  }

  disconnectedCallback(): void {
    this.#leave?.()
  }

  /** The link to the inbox becomes a button with a panel, where the browser knows popovers; the inbox is linked from there. */
  #becomeButton(): Panel | undefined {
    const link = this.querySelector<HTMLElement>('a.belfry-bell')
    if (!link || !('popover' in this)) return undefined
    const hadFocus = link === document.activeElement
    const control = h('button', { type: 'button', class: link.className, 'aria-expanded': 'false' }, ...link.childNodes)
    const panel = new Panel(this, control)
    control.setAttribute('aria-controls', panel.element.id)
    link.replaceWith(control, panel.element)
    if (hadFocus) control.focus()
    return panel
  }

  #show(): void {
    const snapshot = this.client.getSnapshot()
    const { state, connection } = snapshot
    const signedOut = connection === 'signed-out'
    const unread = state?.unread ?? 0
    const badge = badgeText(unread)
    set(this, 'connection', connection)
    if (state) set(this, 'unread', String(unread))
    const count = this.querySelector('.belfry-badge')
    if (count && count.textContent !== badge) count.textContent = badge
    const name = signedOut ? this.say('bellSignedOut') : badge ? this.say('bellUnread', unread, badge) : this.say('bell')
    const control = this.querySelector('.belfry-bell')
    if (control) set(control, 'aria-label', name)
    showInTitle(signedOut ? '' : badge)
    this.#announce?.(snapshot)
    this.#panel?.refresh()
    this.dispatchEvent(new CustomEvent('belfry-change', { detail: snapshot, bubbles: true }))
  }
}

function stateOf(bell: HTMLElement): State | undefined {
  const { epoch, version } = bell.dataset
  return epoch && version ? { epoch, version: Number(version), unread: Number(bell.getAttribute('unread')) } : undefined
}

function set(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

function showInTitle(badge: string): void {
  const plain = document.title.replace(/^\(\d+\+?\) /, '')
  const title = badge ? `(${badge}) ${plain}` : plain
  if (document.title !== title) document.title = title
}
