import type { Server as HttpServer, RequestListener } from 'node:http'
import type { RequestHandler, Router } from 'express'
import type { ListQuery } from './cursors.js'
import type { EventListener, EventName } from './events.js'
import type { Draft } from './notification.js'
import type { Item, State } from './protocol.js'
import type { Retention } from './retention.js'
import type { ItemPage, Notified, Reader, SentEntry, SentQuery } from './service.js'
import type { Pruned, UserExport } from './store/store.js'

/** Whose live connections are to be closed: all of a user, or those of one session (`req.sessionID`). */
export type DisconnectTarget = { readonly user: string } | { readonly session: string }

/**
 * Embedded notifications of one app: what `createNotifications` answers. Ids of users are the host's, opaque strings. Every promise
 * rejects with a BelfryError where something is wrong: InvalidError and MalformedError for input, NotFoundError for what is not
 * there or not theirs, UnavailableError (after at most ten seconds, with nothing changed) while the database is locked or out, or
 * where `topicsOf` does not answer for five. The functions need no `this`.
 */
export interface Notifications {
  /** Where the router is to be mounted: the option, or `/notifications`. */
  readonly basePath: string
  /** Resolves when the database is migrated and open. Called by itself on first use; call it to fail early. */
  ready(): Promise<void>
  /**
   * Stores a notification and pushes it to everybody whose it is. Resolved means durable: it survives a power cut. All of its
   * recipients have it or none.
   *
   * Inside a transaction that the host has open on its own better-sqlite3 handle (option `database`), the row is written before
   * this returns; resolved then means written, and durable with the host's commit. Rolled back, there was nothing.
   * @throws InvalidError with an entry for each field at fault; ConflictError for an idempotency key that was used for something else
   * @example await notifications.notify({ to: { user: '7' }, title: 'New comment', url: '/posts/1#c9' })
   */
  notify(draft: Draft): Promise<Notified>
  /**
   * The exact unread count of somebody, with its version and epoch. A user who was never seen has what everyone has.
   * @example const { unread } = await notifications.state('7')
   */
  state(user: string): Promise<State>
  /** `state(user)`, the count alone. */
  unreadCount(user: string): Promise<number>
  /**
   * A page of an inbox, newest first, with the state of the same instant; where a filter passes over more than a thousand, no newer than any of them.
   * @throws MalformedError for a cursor, filter, category or limit that cannot be
   * @example const { items, nextCursor } = await notifications.list('7', { filter: 'unread', limit: 10 })
   */
  list(user: string, query?: ListQuery): Promise<ItemPage>
  /**
   * One notification of somebody's inbox, archived or not. Reading it so does not mark it as read.
   * @throws NotFoundError where there is none, or it is not theirs
   */
  get(user: string, id: string): Promise<Item>
  /**
   * Marks as read, one or up to 1,000 at once, all or none; resolves to the new state. What is read already stays as it is.
   * @throws NotFoundError for one id that is not theirs; of several, those are passed over. InvalidError for more than 1,000
   */
  markAsRead(user: string, ids: string | readonly string[]): Promise<State>
  /**
   * Marks as unread again; resolves to the new state.
   * @throws as `markAsRead` does; InvalidError also where one is archived, and then none is changed
   */
  markAsUnread(user: string, ids: string | readonly string[]): Promise<State>
  /** Takes out of the inbox into the archive, and marks as read; resolves to the new state. Throws as `markAsRead` does. */
  archive(user: string, ids: string | readonly string[]): Promise<State>
  /** Brings back from the archive, as read; resolves to the new state. Throws as `markAsRead` does. */
  unarchive(user: string, ids: string | readonly string[]): Promise<State>
  /**
   * Marks all that stood in the inbox when `upTo`, a cursor, was the newest one shown; what arrived later stays unread. Costs the same
   * for one and for a million.
   * @throws InvalidError without a cursor, MalformedError for one that is none of this database
   * @example await notifications.markAllAsRead('7', { upTo: items[0].cursor })
   */
  markAllAsRead(user: string, options: { readonly upTo: string }): Promise<State>
  /**
   * Takes a notification back from every inbox, live, or off the schedule. Twice is as good as once.
   * @throws NotFoundError where there is no such notification
   */
  recall(id: string): Promise<void>
  /**
   * What was sent, newest first, with how many have it and how many have read it.
   * @throws MalformedError for a cursor or limit that cannot be
   */
  sent(query?: SentQuery): Promise<{ entries: readonly SentEntry[]; nextCursor: string | null }>
  /**
   * The same of one notification. `except`: users who are to be in no count, such as disabled ones.
   * @throws NotFoundError where there is no such notification
   */
  report(id: string, options?: { readonly except?: readonly string[] }): Promise<SentEntry>
  /**
   * Who was named (read or not) or, of a broadcast, who has read it: newest readers first, at most `limit`, which is 1 to 5,000 and 100 unless told.
   * @throws NotFoundError where there is no such notification; MalformedError for a limit that cannot be
   */
  readers(id: string, options?: { readonly limit?: number; readonly except?: readonly string[] }): Promise<readonly Reader[]>
  /**
   * Asks `topicsOf` again now, tells the user's connections what changed, and resolves to the new state. Call it when somebody's role
   * changed; without it, that is noticed at their next request or within a minute.
   */
  refresh(user: string): Promise<State>
  /**
   * Closes live connections now, with 4401, in every process on this database; not those that are asked for later, by whoever signs in anew. Destroying
   * a session does that by itself.
   * @example await notifications.disconnect({ user: '7' })
   */
  disconnect(target: DisconnectTarget): Promise<void>
  /**
   * Takes what is old out of inboxes and the database, as `retention` does on a schedule, in portions that hold nobody up. What is
   * scheduled is never old; what expired or was taken back is by `readAfterDays` alone. Counts follow; an idempotency key of what was deleted is
   * free again.
   * @throws OptionError unless one of the two is a positive number of days
   * @example await notifications.prune({ readAfterDays: 30, unreadAfterDays: 365 })
   */
  prune(ages: Retention): Promise<Pruned>
  /** All that is stored about one user, as JSON can hold it, for somebody who asks what you know of them. */
  exportUser(user: string): Promise<UserExport>
  /**
   * Closes a user's connections and forgets the user: what was for them alone, what they read, their topics, and their name as
   * a sender. Everybody else's counts stay what they were. End the user's sessions first, or the next visit makes them known again.
   */
  eraseUser(user: string): Promise<void>
  /**
   * Calls `listener` whenever this process did something, after it is durable and after its answer is on the way. What a
   * listener throws or rejects with is logged, and harms nothing. Returns what ends it.
   * @throws OptionError for an event that there is not
   * @example const stop = notifications.on('created', (notification) => audit.write(notification))
   */
  on<E extends EventName>(event: E, listener: EventListener<E>): () => void
  /** Resolves while the database can be read and its file stands where it was opened, for a health check; else rejects with UnavailableError. */
  check(): Promise<void>
  /**
   * Sets `res.locals.notifications`, so that the first paint of every page has the right count. To be mounted after the session
   * middleware and before the routes that render pages. While the database or the session store is out, `next` gets an UnavailableError.
   * @example app.use(sessions, notifications.middleware())
   */
  middleware(): RequestHandler
  /**
   * The inbox, its JSON, the event stream and the assets, to be mounted at `basePath` after the session middleware.
   * @example app.use(notifications.basePath, notifications.router())
   */
  router(): Router
  /** The same-origin rule for unsafe requests, for the host's own routes: 403 for what another site sent. The router has it already. */
  sameOrigin(): RequestHandler
  /**
   * A request listener that answers polls (`GET <basePath>/unread`) before the app, of those whom the app's own session middleware has let through
   * once, and hands everything else to `listener`. It saves most of what a poll costs. What the app does with every request is not done with
   * these: no header, log line or rate limit of its own, and their sessions are not extended.
   * @example const server = createServer(notifications.ahead(app))
   */
  ahead(listener: RequestListener): RequestListener
  /**
   * Opens the live connection on the app's own server, at `<basePath>/socket`. Other WebSocket servers on it are left alone. May be
   * called for several servers, before or after they listen.
   * @throws OptionError for what is no server, such as the app; UnavailableError after `close`
   * @example notifications.attach(server)
   */
  attach(server: HttpServer): void
  /**
   * Closes live connections with 1012, finishes what was begun and releases everything but what the host gave: afterwards nothing of
   * ours keeps the process alive. What waits for a lock of another process is refused after a second, with nothing stored. Call it
   * right after `server.close()`: then requests that are being answered have five seconds in which they can still notify. A server that is
   * still listening is not waited for. Twice is as good as once.
   */
  close(): Promise<void>
}
