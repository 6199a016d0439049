/** A store that is so simple that one can see it is right: arrays, and everything looked up by walking. */
import type { Mark } from '../../src/notifications/store/store.js'

interface Entry {
  readonly id: string
  title: string
  audiences: readonly string[]
  publishAt: number | null
  expiresAt: number | null
}

interface Delivery {
  readonly order: number
  readonly audience: string
  readonly entry: Entry
  live: boolean
}

interface Member {
  topics: ReadonlySet<string>
  everyone: boolean
  watermark: number
  readonly receipts: Map<number, 'read' | 'unread' | 'archived'>
}

export interface Seen {
  readonly id: string
  readonly title: string
  readonly state: 'read' | 'unread' | 'archived'
}

export class Model {
  readonly #deliveries: Delivery[] = []
  readonly #pending: Entry[] = []
  readonly #members = new Map<string, Member>()
  #now: number

  constructor(now: number) {
    this.#now = now
  }

  send(entry: Entry): void {
    if (entry.publishAt === null || entry.publishAt <= this.#now) this.#deliver(entry)
    else this.#pending.push(entry)
  }

  /** Newest first, archived ones included. */
  inbox(user: string): Seen[] {
    return this.#mine(user)
      .map((delivery) => ({ id: delivery.entry.id, title: delivery.entry.title, state: this.#state(user, delivery) }))
      .toReversed()
  }

  mark(user: string, id: string, mark: Mark): void {
    const delivery = this.#mine(user).find(({ entry }) => entry.id === id)
    if (delivery === undefined) return
    const state = this.#state(user, delivery)
    const next = (
      { read: state === 'unread' ? 'read' : state, unread: 'unread', archive: 'archived', unarchive: state === 'archived' ? 'read' : state } as const
    )[mark]
    if (next !== state) this.#member(user).receipts.set(delivery.order, next)
  }

  /** Up to one of the inbox, or up to the very last. */
  markAll(user: string, id: string | undefined): void {
    const member = this.#member(user)
    const upTo = id === undefined ? this.#deliveries.length : (this.#mine(user).find(({ entry }) => entry.id === id)?.order ?? 0)
    if (!this.#mine(user).some((delivery) => delivery.order <= upTo && this.#state(user, delivery) === 'unread')) return
    for (const [order, state] of member.receipts) if (state === 'unread' && order <= upTo) member.receipts.set(order, 'read')
    member.watermark = Math.max(member.watermark, upTo)
  }

  join(user: string, topics: readonly string[], everyone: boolean): void {
    const member = this.#member(user)
    member.topics = new Set(topics.map((topic) => `topic:${topic}`))
    member.everyone = everyone
  }

  recall(id: string): void {
    this.#retract(id)
  }

  /** Time passes. */
  tick(now: number): void {
    this.#now = now
    const due = this.#pending
      .filter(({ publishAt }) => publishAt !== null && publishAt <= now)
      .toSorted((a, b) => (a.publishAt ?? 0) - (b.publishAt ?? 0))
    for (const entry of due) {
      this.#pending.splice(this.#pending.indexOf(entry), 1)
      if (entry.expiresAt === null || entry.expiresAt > now) this.#deliver(entry)
    }
    for (const delivery of this.#deliveries) if ((delivery.entry.expiresAt ?? Number.POSITIVE_INFINITY) <= now) delivery.live = false
  }

  rename(id: string, title: string): void {
    for (const { entry } of this.#deliveries) if (entry.id === id) entry.title = title
  }

  /** Addresses it to somebody else: gone here, new there, and where it was already it stays. */
  readdress(id: string, audiences: readonly string[]): void {
    const before = this.#deliveries.filter((delivery) => delivery.live && delivery.entry.id === id)
    for (const delivery of before) delivery.live = audiences.includes(delivery.audience)
    const fresh = audiences.filter((audience) => !before.some((delivery) => delivery.audience === audience))
    for (const { entry } of before.slice(0, 1)) this.#deliver({ ...entry, audiences: fresh })
  }

  #deliver(entry: Entry): void {
    for (const audience of entry.audiences) this.#deliveries.push({ order: this.#deliveries.length + 1, audience, entry, live: true })
  }

  #retract(id: string): void {
    for (const delivery of this.#deliveries) if (delivery.entry.id === id) delivery.live = false
    const pending = this.#pending.findIndex((entry) => entry.id === id)
    if (pending >= 0) this.#pending.splice(pending, 1)
  }

  #member(user: string): Member {
    const known = this.#members.get(user) ?? { topics: new Set(), everyone: true, watermark: 0, receipts: new Map() }
    this.#members.set(user, known)
    return known
  }

  #mine(user: string): Delivery[] {
    const { topics, everyone } = this.#member(user)
    const has = (audience: string) => audience === `user:${user}` || topics.has(audience) || (everyone && audience === 'everyone')
    return this.#deliveries.filter((delivery) => delivery.live && has(delivery.audience))
  }

  #state(user: string, { order }: Delivery): Seen['state'] {
    const { receipts, watermark } = this.#member(user)
    return receipts.get(order) ?? (order <= watermark ? 'read' : 'unread')
  }
}
