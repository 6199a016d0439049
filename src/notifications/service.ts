import { Cursors, type ListQuery, parseLimit } from './cursors.js'
import { parseDraft } from './draft.js'
import { InvalidError, NotFoundError } from './errors.js'
import type { Events } from './events.js'
import { parseId, parseIds, parseUser } from './ids.js'
import { Memberships, type TopicsOf } from './memberships.js'
import { type Draft, MAX_RECIPIENTS, type Notification } from './notification.js'
import type { Person } from './person.js'
import type { Item, State } from './protocol.js'
import type { Asked, Freshness, Inserted, Mark, ReaderRow, Row, Sent, Sight, Snapshot, Store } from './store/store.js'
import { isoTime } from './values.js'

export type { Asked, Freshness }

/** A page of an inbox, with the state of the same instant. */
export interface ItemPage extends State {
  readonly items: readonly Item[]
  /** Goes on in the same direction; null at the end. */
  readonly nextCursor: string | null
}

/** What `notify` resolves to. */
export interface Notified extends Notification {
  /** True where the same sender sent the same under the same idempotency key before; nothing new was stored. */
  readonly replayed: boolean
}

export interface SentQuery {
  /** `nextCursor` of the page before. */
  readonly before?: string | undefined
  /** 1 to 100; 25 unless told. */
  readonly limit?: number | undefined
  /** Users who are to be in no count, such as disabled ones. */
  readonly except?: readonly string[] | undefined
}

export type SentEntry = Omit<Sent, 'sequence'>

/** Who has a notification, and when they read it; null for not yet. */
export interface Reader {
  readonly user: string
  /** ISO 8601 in UTC. */
  readonly readAt: string | null
}

/** What the hub needs to know of one user. */
export interface Look {
  readonly state: State
  readonly newest: number
  /** Key of the memberships that the state was read with (Person.key). */
  readonly membership: string
  /** The newest notification, where one came after the position asked for. */
  readonly latest?: Item | undefined
}

/** What can be done with notifications, whoever asks: parse, let the store commit, answer with the new state. */
export class Service {
  readonly #store: Store
  readonly #events: Events
  readonly #created: (notification: Notification) => void
  readonly #memberships: Memberships
  readonly #cursors: Cursors
  /** The last that was made for the hub, as most of those who are read after a message to many see the same. */
  #looked: readonly [Sight, Look] | undefined
  #shown: readonly [Row, Item] | undefined

  /** @param created hears of each that was stored, before a transaction of the host's around it has ended */
  constructor(store: Store, events: Events, created: (notification: Notification) => void, topicsOf: TopicsOf) {
    this.#store = store
    this.#events = events
    this.#created = created
    this.#memberships = new Memberships(store, topicsOf)
    this.#cursors = new Cursors(store)
  }

  /** Not async up to the store: inside a host's transaction the row is written before the promise is returned. */
  notify(input: Draft): Promise<Notified> {
    try {
      const draft = parseDraft(input)
      return this.#store.insert(draft).then((inserted) => this.#stored(inserted))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The state of a user by id: with the memberships that `topicsOf` gives, or those that were last seen. */
  async state(user: string): Promise<State> {
    return this.#state(await this.#memberships.snapshot(parseUser(user)))
  }

  /** The state of somebody who visits, and whether their memberships are recorded: as `Memberships.ofVisitor`. */
  async stateOf(person: Person, since: number, asOf?: Freshness): Promise<{ state: State; recorded: boolean }> {
    const { snapshot, recorded } = await this.#memberships.ofVisitor(person, since, asOf)
    return { state: this.#state(snapshot), recorded }
  }

  /** As `Memberships.recheck`. */
  recheck(user: string): Promise<void> {
    return this.#memberships.recheck(user)
  }

  async list(user: string, query: ListQuery = {}): Promise<ItemPage> {
    const page = this.#cursors.page(query)
    const { rows, more, snapshot } = await this.#store.list(parseUser(user), page)
    const last = rows.at(-1)
    return {
      items: rows.map((row) => this.#item(row)),
      nextCursor: more && last !== undefined ? this.#cursors.at(last.position) : null,
      ...this.#state(snapshot),
    }
  }

  /** Throws NotFoundError where it is not in this user's inbox. */
  async get(user: string, id: string): Promise<Item> {
    const row = await this.#store.find(parseUser(user), parseId(id))
    if (row === undefined) throw new NotFoundError()
    return this.#item(row)
  }

  /** One id that is not in the inbox is a NotFoundError; of several, those that are gone are passed over. All or none, so no more than can be done at once. */
  async mark(user: string, ids: string | readonly string[], mark: Mark): Promise<State> {
    const id = parseUser(user)
    const wanted = typeof ids === 'string' ? [ids] : parseIds(ids)
    const found = await this.#store.mark(id, wanted, mark, Date.now())
    if (typeof ids === 'string' && !found.has(ids)) throw new NotFoundError()
    const read = mark === 'read' || mark === 'archive' ? [...found].flatMap(([id, before]) => (before === 'unread' ? [id] : [])) : []
    if (read.length > 0) this.#events.tell('read', { user: id, ids: read })
    return this.#state(await this.#store.snapshot(id))
  }

  async markAllAsRead(user: string, upTo: string | undefined): Promise<State> {
    const id = parseUser(user)
    if (upTo === undefined || upTo === '') {
      throw new InvalidError([{ field: 'upTo', message: 'Say up to where: the cursor of the newest notification that was shown.' }])
    }
    if (await this.#store.markAllAsRead(id, this.#cursors.position(upTo, 'upTo'), Date.now())) this.#events.tell('read', { user: id, upTo })
    return this.#state(await this.#store.snapshot(id))
  }

  /** Throws NotFoundError for an unknown id; recalling twice changes nothing. */
  async recall(id: string): Promise<void> {
    const recalled = await this.#store.recall(parseId(id), Date.now())
    if (recalled === undefined) throw new NotFoundError()
    if (!recalled || !this.#events.wants('recalled')) return
    const after = await this.#store.notification(id)
    if (after !== undefined) this.#events.tell('recalled', after)
  }

  async sent(query: SentQuery = {}): Promise<{ entries: readonly SentEntry[]; nextCursor: string | null }> {
    const limit = parseLimit(query.limit)
    const before = query.before === undefined ? null : this.#cursors.position(query.before, 'before')
    const found = await this.#store.sent({ before, limit: limit + 1, except: query.except ?? [] })
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return { entries: shown.map(entryOf), nextCursor: found.length > limit && last !== undefined ? this.#cursors.at(last.sequence) : null }
  }

  /** Throws NotFoundError for an unknown id. */
  async report(id: string, options: { readonly except?: readonly string[] } = {}): Promise<SentEntry> {
    const entry = await this.#store.report(parseId(id), options.except ?? [])
    if (entry === undefined) throw new NotFoundError()
    return entryOf(entry)
  }

  /** Throws NotFoundError for an unknown id. */
  async readers(id: string, options: { readonly limit?: number; readonly except?: readonly string[] } = {}): Promise<readonly Reader[]> {
    const limit = parseLimit(options.limit, { usual: 100, most: MAX_RECIPIENTS })
    const rows = await this.#store.readers(parseId(id), { limit, except: options.except ?? [] })
    if (rows === undefined) throw new NotFoundError()
    return rows.map(readerOf)
  }

  /** For the hub: the state of many, in their order, with what is new to each; those who see the same one after the other share one answer. */
  look(asked: readonly Asked[]): Promise<readonly Look[]> {
    return this.#store.look(asked).then((sights) => sights.map((sight) => this.#lookOf(sight)))
  }

  #lookOf(sight: Sight): Look {
    if (this.#looked?.[0] === sight) return this.#looked[1]
    const { snapshot, latest } = sight
    const { newest, membership } = snapshot
    const look = { state: this.#state(snapshot), newest, membership, latest: latest && this.#itemOnce(latest) }
    this.#looked = [sight, look]
    return look
  }

  #stored({ notification, replayed }: Inserted): Notified {
    if (!replayed) this.#created(notification)
    const { to, id, title, body, url, level, category, data, sender, createdAt, publishAt, expiresAt, recalledAt } = notification
    return { to, id, title, body, url, level, category, data, sender, createdAt, publishAt, expiresAt, recalledAt, replayed }
  }

  /** Those who see the same row are told of the same item. */
  #itemOnce(row: Row): Item {
    if (this.#shown?.[0] !== row) this.#shown = [row, this.#item(row)]
    return this.#shown[1]
  }

  #state({ version, unread }: Snapshot): State {
    return { epoch: this.#store.epoch, version, unread }
  }

  #item(row: Row): Item {
    return {
      id: row.id,
      cursor: this.#cursors.at(row.position),
      title: row.title,
      body: row.body,
      url: row.url,
      level: row.level,
      category: row.category,
      data: row.data,
      state: row.state,
      createdAt: isoTime(row.publishedAt),
      readAt: isoOrNull(row.readAt),
      expiresAt: isoOrNull(row.expiresAt),
    }
  }
}

/** Where it stands in the list is told by cursors. */
function entryOf({ notification, status, recipients, read }: Sent): SentEntry {
  return { notification, status, recipients, read }
}

function readerOf({ user, readAt }: ReaderRow): Reader {
  return { user, readAt: isoOrNull(readAt) }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
