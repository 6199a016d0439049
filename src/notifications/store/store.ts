import type { Ending } from '../ending.js'
import type { NewNotification, Notification } from '../notification.js'
import type { Person } from '../person.js'
import type { Filter, ItemState, Level } from '../protocol.js'

/**
 * Whom a change concerns: `user:<id>`, `topic:<name>`, `everyone`. `*` stands for anybody: the store lost track, so everything live is to be read again. `erased:` says that a
 * user was erased, whose name must not stand here any more: whatever is kept of users is to be forgotten.
 */
export type Concerned = string

/** What one user can see at one instant; count and version belong together. */
export interface Snapshot {
  readonly version: number
  readonly unread: number
  /** Key of the memberships that the store last recorded for this user (Person.key); '' where none were. */
  readonly membership: string
  /** Position of the newest notification in the inbox; 0 when there was none. */
  readonly newest: number
}

/** How fresh an answer must be: read now, or once for all who ask in this turn of the event loop. */
export type Freshness = 'now' | 'this turn'

/** Whose state is wanted, and the position of the newest notification that they have been told of. */
export interface Asked {
  readonly user: string
  readonly seen: number
}

/**
 * Neighbours in an answer who see the same are given the same object, and its `latest` is the same Row for all whom one notification reached: the service
 * and the words of the hub compare by identity, so whoever copies one in between makes each say it anew.
 */
export interface Sight {
  readonly snapshot: Snapshot
  /** The newest in the inbox, where it came after what was seen. */
  readonly latest: Row | undefined
}

/** One notification in one inbox. Times in milliseconds since 1970. */
export interface Row {
  /** Where it stands in the inbox: later ones are higher; the basis of cursors. */
  readonly position: number
  readonly id: string
  readonly title: string
  readonly body: string | null
  readonly url: string | null
  readonly level: Level
  readonly category: string | null
  readonly data: unknown
  readonly state: ItemState
  readonly publishedAt: number
  readonly readAt: number | null
  readonly expiresAt: number | null
}

export interface Page {
  readonly filter: Filter
  readonly category: string | null
  /** Exclusive positions; at most one of the two. `after` turns the order: oldest first. */
  readonly before: number | null
  readonly after: number | null
  readonly limit: number
}

export interface Listing {
  readonly rows: readonly Row[]
  /** Whether there are more in the same direction. */
  readonly more: boolean
  /** Of the same instant as the rows; where many had to be passed over, no newer than any of them. */
  readonly snapshot: Snapshot
}

/** What a recipient did with it: each also raises the version, but only where it changes something. */
export type Mark = 'read' | 'unread' | 'archive' | 'unarchive'

export interface SentPage {
  /** The `sequence` of an entry; null for the newest. */
  readonly before: number | null
  readonly limit: number
  readonly except: readonly string[]
}

export interface ReadersPage {
  readonly limit: number
  readonly except: readonly string[]
}

/** A sent notification with where it stands. */
export interface Sent {
  /** Descending order of the list; cursor for its next page. */
  readonly sequence: number
  readonly notification: Notification
  readonly status: 'scheduled' | 'published' | 'expired' | 'recalled' | 'refused'
  /** How many users were addressed by name; null for a topic and everyone: the host knows who is in them. */
  readonly recipients: number | null
  /** How many of those who have it in the inbox have read it. */
  readonly read: number
}

/** Who has it, and when they read it, in milliseconds since 1970; null for not yet. */
export interface ReaderRow {
  readonly user: string
  readonly readAt: number | null
}

export interface Inserted {
  readonly notification: Notification
  /** True where the same sender used the same key for the same content before: nothing new was stored. */
  readonly replayed: boolean
}

/** What is old, in milliseconds since 1970; minus infinity where nothing is. */
export interface Cutoffs {
  /** What was read (or archived), expired or was recalled until then. */
  readonly readBefore: number
  /** What came until then and was not read; broadcasts, whoever read them. */
  readonly unreadBefore: number
}

/** What `prune` did. */
export interface Pruned {
  /** How many were taken out of inboxes: one for each user who was named, one for a broadcast. */
  readonly removed: number
  /** How many notifications were deleted from the database, as nobody has them any more. */
  readonly deleted: number
}

/** A notification as one user had it. */
export interface ExportedNotification {
  readonly id: string
  /** `user` where it named this user, else `topic:<name>` or `everyone`. */
  readonly audience: string
  readonly title: string
  readonly body: string | null
  readonly url: string | null
  readonly level: Level
  readonly category: string | null
  readonly data: unknown
  readonly publishedAt: string
  readonly readAt: string | null
  readonly archivedAt: string | null
  /** False where it expired or was taken back. */
  readonly inInbox: boolean
}

/** All that is stored about one user. Times are ISO 8601 in UTC; `since` is null for always. */
export interface UserExport {
  readonly user: string
  readonly since: string | null
  readonly topics: readonly { readonly name: string; readonly since: string | null }[]
  /** What named this user, and the broadcasts that this user read, one by one or all together, or archived; the oldest first. */
  readonly notifications: readonly ExportedNotification[]
  /** What has this user's id as its sender, without those it was for. */
  readonly sent: readonly Omit<Notification, 'to'>[]
}

/**
 * Contract of every store. All of it is durable when its promise resolves. Writes are all or nothing; while the
 * database is locked or out they are tried again for a bounded time and then reject with UnavailableError, having
 * changed nothing. Every change raises the version of those who can see it, in the same transaction, whoever makes it.
 */
export interface Store {
  /** Names the database; valid after `ready`. */
  readonly epoch: string

  /** Migrated and open. Called before anything else; may be called often. */
  ready(): Promise<void>

  /**
   * Stores one. Inside a transaction that the host has open on the same handle, the row is written before this
   * returns its promise. Throws ConflictError for a used key with other content, InvalidError for what would be gone at once.
   */
  insert(draft: NewNotification): Promise<Inserted>

  /** @param asOf now, unless told */
  snapshot(user: string, asOf?: Freshness): Promise<Snapshot>
  /** The snapshots of many, in their order, with what is new to each; those who see the same in a row may share one answer. */
  look(asked: readonly Asked[]): Promise<readonly Sight[]>

  /** Records what topics somebody is in; raises their version where that changed. */
  remember(person: Person): Promise<void>

  list(user: string, page: Page): Promise<Listing>
  /** One notification in somebody's inbox, archived or not; undefined where it is not (or no longer) theirs. */
  find(user: string, id: string): Promise<Row | undefined>

  /**
   * Marks several; those that are not in the inbox are passed over. Archiving marks as read, too.
   * Returns the ids of those that were, each with what it was before. `unread` on an archived one throws InvalidError and changes nothing.
   */
  mark(user: string, ids: readonly string[], mark: Mark, now: number): Promise<ReadonlyMap<string, ItemState>>
  /** Marks all that stand at or below a position; whether any of them was unread. Costs the same for one and for a million. */
  markAllAsRead(user: string, upTo: number, now: number): Promise<boolean>

  /** Takes it out of every inbox, or off the schedule; false where that was done before, undefined where there is no such notification. */
  recall(id: string, now: number): Promise<boolean | undefined>

  /** One that was sent, as it stands, without counting who has read it; undefined where there is no such. */
  notification(id: string): Promise<Notification | undefined>
  /** What was sent, newest first. `except`: users who are in no count. */
  sent(page: SentPage): Promise<readonly Sent[]>
  /** One of them; undefined where there is no such. */
  report(id: string, except: readonly string[]): Promise<Sent | undefined>
  /** Who has it by name (read or not) or, of a broadcast, who has read it: newest readers first, at most `limit`; undefined where there is no such. */
  readers(id: string, page: ReadersPage): Promise<readonly ReaderRow[] | undefined>

  /**
   * Takes what is old out of inboxes, and deletes what is in none any longer; what expired or was recalled, once that is old. In portions that
   * hold nobody up; what is on the schedule is never old.
   */
  prune(cutoffs: Cutoffs): Promise<Pruned>
  exportUser(user: string): Promise<UserExport>
  /** Forgets a user: afterwards the database does not know the id, and everybody else's counts are what they were. */
  eraseUser(user: string): Promise<void>

  /** Publishes what is due and takes out what has expired. Returns when the next is due, null when nothing is planned. */
  tick(now: number): Promise<number | null>

  /**
   * From now on calls `listener` after every commit that changed or announced something, whoever made it: this process at once,
   * another within 50 ms of idle time, or as `attend` says. Returns what ends it.
   */
  watch(listener: (changed: readonly Concerned[], endings: readonly Ending[]) => void): () => void
  /** Whether anybody is connected; unless told, somebody is. While nobody is, what other processes commit may be heard of half a second later: to look for it costs. */
  attend(attended: boolean): void
  /** Tells every process that watches this database whose connections are to end, `listener`s here included. Changes no version. */
  announce(ending: Ending): Promise<void>

  /** Rejects with UnavailableError while the database cannot be read, and while its file is not where it was. */
  check(): Promise<void>
  /** To be closed soon: from now on nothing waits for a lock for more than a second before it rejects. */
  hurry(): void
  /** Finishes what was begun and lets go of everything; a handle of the host's stays open. */
  close(): Promise<void>
}
