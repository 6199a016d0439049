import { badgeText, type State } from '../notifications/protocol.js'
import { createAnnouncer } from './announce.js'
import { showInIcon, showOnApp } from './beyond.js'
import { type Client, createClient } from './core.js'
import { h, set, write } from './dom.js'
import { kit } from './kit.js'
import { english, type Messages, messagesIn, type Say, type SayOf, sayIn } from './messages.js'
import { reloadPrivate } from './page.js'
import { createPopover, type Popover } from './popover.js'
import { besides } from './scripts.js'
import { createClock } from './time.js'

const clients = new Map<string, Client>()

/** What the page was told of last, by whichever bell: one that comes later tells nothing again. */
let told: string | undefined

/** The one client of a user on this page, however many bells it has. */
function clientOf(base: string | undefined, user: string | undefined, state: State): Client {
  const key = `${base} ${user}`
  const client = clients.get(key) ?? createClient({ base, user })
  clients.set(key, client)
  client.offer(state)
  return client
}

/**
 * The bell around the server-rendered link to the inbox: keeps the badge, the title of the page and its own attributes right,
 * shows the latest in a panel, and announces what arrives. Without it, or before it, the link works by itself.
 */
export class NotificationBell extends HTMLElement {
  static readonly observedAttributes = ['connection']
  readonly language = document.documentElement.lang || 'en'
  readonly clock = createClock(this.language)
  readonly kit = kit
  declare client: Client
  declare say: Say
  /** Resolves when it can be worked with: at once, or when its language was fetched. */
  declare ready: Promise<void> | undefined
  #leave: (() => void) | undefined
  #announce: ReturnType<typeof createAnnouncer> | undefined
  #panel: Popover | undefined
  /** What was fetched of the catalogues of the language, where there are some beside English. */
  #messages: Messages | undefined
  #called: string | undefined

  connectedCallback(): void {
    bells++
    this.ready ??= this.#begin()
    void this.ready.then(() => {
      if (!this.isConnected || this.#leave) return
      this.#leave = this.client.subscribe(() => this.#show())
      this.#show()
    })
  }

  disconnectedCallback(): void {
    this.#leave?.()
    this.#leave = undefined
    this.#panel?.refresh()
    if (--bells) return
    showInHead('')
    badgeInHead = undefined
  }

  /** Who makes a page again as the server renders it (Turbo and htmx, by morphing) takes away what was made of this bell: another one begins with the link that is there then. */
  attributeChangedCallback(_name: string, _was: unknown, now: unknown): void {
    if (!now) setTimeout(() => this.querySelector('a.belfry-bell') && this.replaceWith(this.cloneNode(true)))
  }

  /** Fetches what a part of the page says in its language. */
  async learn(part: 'bell' | 'inbox'): Promise<void> {
    const messages = await messagesIn(this.language, part).catch(() => undefined)
    if (messages) this.#messages = { ...this.#messages, ...messages }
  }

  /** Says these English messages in the language of the page, as far as a catalogue of it was learned. */
  speak<M extends Messages>(messages: M): SayOf<M> {
    return sayIn(this.#messages ? this.language : 'en', { ...messages, ...this.#messages } as M)
  }

  /** Tells a screen reader, through one status for the whole page: that of the last bell that is shown, as nobody hears those that are not, nor what stands below an open dialog. */
  announce(words: string): void {
    const shown = [...document.querySelectorAll('notification-bell')].findLast((bell) => bell.checkVisibility())
    write(shown ?? this, '[role=status]', words)
  }

  /** Says in the place of what is private that nobody is signed in any more. */
  async over(): Promise<void> {
    ;((await besides('over')) as typeof import('./over.js')).showOver(this)
  }

  async #begin(): Promise<void> {
    const { base, user } = this.dataset
    this.client = clientOf(base, user, stateOf(this))
    await this.learn('bell')
    this.say = this.speak(english)
    this.#announce = createAnnouncer(this)
    this.#panel = this.#becomeButton()
  }

  /** The link to the inbox becomes a button with a panel, where the browser knows popovers; the inbox is linked from there. What a copy of a bell brings along does nothing, and is made anew. */
  #becomeButton(): Popover | undefined {
    const link = this.querySelector<HTMLElement>('.belfry-bell')
    if (!link || !('popover' in this)) return undefined
    const hadFocus = link.matches(':focus')
    const control = h('button', { type: 'button', class: link.className }, ...link.childNodes)
    const panel = createPopover(this, control)
    this.querySelector('.belfry-panel')?.remove()
    link.replaceWith(control, panel.element)
    if (hadFocus) control.focus()
    return panel
  }

  #show(): void {
    const snapshot = this.client.getSnapshot()
    const { state, connection, latest, marked } = snapshot
    const signedOut = connection === 'signed-out'
    const unread = signedOut ? 0 : (state?.unread ?? 0)
    const arrived = latest?.id === this.#called ? undefined : latest
    const badge = badgeText(unread)
    set(this, 'connection', connection)
    if (state) set(this, 'unread', String(unread))
    write(this, '.belfry-badge', badge)
    set(this.querySelector('.belfry-bell'), 'aria-label', this.say(signedOut ? 'bellSignedOut' : badge ? 'bellUnread' : 'bell', unread, badge))
    showInHead(badge)
    showOnApp(unread)
    if (state) this.#announce?.(signedOut ? Number.NaN : unread, arrived, marked)
    this.#panel?.refresh()
    if (signedOut) {
      this.announce(this.say('signedOut'))
      if (document.querySelector('.belfry-page')) void this.over().catch(reloadPrivate)
    }
    this.dispatchEvent(new CustomEvent('belfry-change', { detail: snapshot, bubbles: true }))
    this.#called = latest?.id
    if (!arrived || arrived.id === told) return
    told = arrived.id
    this.dispatchEvent(new CustomEvent('belfry-arrival', { detail: arrived, bubbles: true }))
  }
}

/** Without an epoch where it was not rendered by the server. */
function stateOf(bell: HTMLElement): State {
  const { epoch, version } = bell.dataset
  return { epoch: epoch as string, version: +(version as string), unread: +(bell.getAttribute('unread') as string) }
}

/** How many are on the page, in shadow roots, too, where no selector finds them. */
let bells = 0

/** What the title of the page begins with, and its icon tells of, '' for nothing; undefined where no bell says. */
let badgeInHead: string | undefined

function showInHead(badge = badgeInHead): void {
  if (badge === undefined) return
  badgeInHead = badge
  // Not where there is none: a browser takes the space from its end, and it would be set again without end.
  const title = document.title.replace(/^(\(\d+\+?\) )?(?=.)/, badge && `(${badge}) `)
  if (document.title !== title) document.title = title
  showInIcon(badge)
}

let headTimer: ReturnType<typeof setTimeout> | undefined

// Routers set the title and the icon anew, and nobody tells of that. Not at once, and once for all that happened: with another script that wants it otherwise, neither would let the page go on.
new MutationObserver(() => {
  clearTimeout(headTimer)
  headTimer = setTimeout(() => showInHead(), 100)
}).observe(document.head, { subtree: true, childList: true, characterData: true })
