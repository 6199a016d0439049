import type { Server as HttpServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import express, { type Request, type RequestHandler, type Router } from 'express'
import type {} from 'express-session'
import type { Hint } from './bus/bus.js'
import { localBus } from './bus/local.js'
import { OptionError, UnavailableError } from './errors.js'
import { EVENTS, type EventListener, type EventName, Events } from './events.js'
import { createMiddleware } from './http/middleware.js'
import { createRouter } from './http/router.js'
import { sameOrigin } from './http/same-origin.js'
import { SessionWatch, sessionKey } from './http/session-watch.js'
import { attachUpgrade } from './http/upgrade.js'
import { Hub } from './hub/hub.js'
import { noMetrics, registerMetrics } from './metrics.js'
import type { Draft, Notification } from './notification.js'
import { type NotificationsOptions, type Options, parseOptions } from './options.js'
import { type Person, parsePerson } from './person.js'
import type { Item, State } from './protocol.js'
import { cutoffsOf, Pruner, type Retention } from './retention.js'
import { Scheduler } from './scheduler.js'
import { type ItemPage, type ListQuery, type Notified, parseUser, type SentEntry, type SentQuery, Service } from './service.js'
import { openSqliteStore } from './store/sqlite.js'
import type { Pruned, Reader, Store, UserExport } from './store/store.js'

/** A user whose sockets are to be closed, or one session. */
export type DisconnectTarget = { readonly user: string } | { readonly session: string }

/** Embedded notifications of one app. Every promise rejects with a BelfryError where something is wrong. */
export interface Notifications {
  readonly basePath: string
  /** Resolves when the database is migrated and open; called by itself on first use. */
  ready(): Promise<void>
  /** Stores a notification and pushes it to everybody whose it is. Resolved means durable. */
  notify(draft: Draft): Promise<Notified>
  state(user: string): Promise<State>
  unreadCount(user: string): Promise<number>
  list(user: string, query?: ListQuery): Promise<ItemPage>
  /** One notification of somebody's inbox; NotFoundError where it isn't theirs. */
  get(user: string, id: string): Promise<Item>
  /** One id that is not theirs is a NotFoundError; of several, those that are gone are passed over. */
  markAsRead(user: string, ids: string | readonly string[]): Promise<State>
  markAsUnread(user: string, ids: string | readonly string[]): Promise<State>
  /** Archiving also marks as read. */
  archive(user: string, ids: string | readonly string[]): Promise<State>
  /** Brings back as read. */
  unarchive(user: string, ids: string | readonly string[]): Promise<State>
  /** Marks what stood in the inbox when `upTo` was shown; what arrived later stays unread. */
  markAllAsRead(user: string, options: { readonly upTo: string }): Promise<State>
  /** Takes a notification back from every inbox. */
  recall(id: string): Promise<void>
  /** What was sent, newest first. */
  sent(query?: SentQuery): Promise<{ entries: readonly SentEntry[]; nextCursor: string | null }>
  report(id: string, options?: { readonly except?: readonly string[] }): Promise<SentEntry>
  readers(id: string, options?: { readonly limit?: number; readonly except?: readonly string[] }): Promise<readonly Reader[]>
  /** Re-reads topics and state of somebody now, and tells their connections. */
  refresh(user: string): Promise<State>
  /** Closes live connections now, with 4401, in every process. */
  disconnect(target: DisconnectTarget): Promise<void>
  /**
   * Takes what is old out of inboxes and the database, as `retention` does on a schedule, in portions that hold nobody up. What is
   * scheduled is never old. Counts follow; an idempotency key of what was deleted is free again.
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
  /** Throws UnavailableError while the database cannot be read. */
  check(): Promise<void>
  /** Sets `res.locals.notifications` on every request of somebody who is signed in. */
  middleware(): RequestHandler
  /** The inbox, its JSON, the event stream and the assets; mount it at `basePath`. */
  router(): Router
  /** The same-origin rule for unsafe requests, for the host's own routes. */
  sameOrigin(): RequestHandler
  /** Opens the live connection on the app's own server. */
  attach(server: HttpServer): void
  /** Closes connections with 1012, finishes what was begun and releases everything. */
  close(): Promise<void>
}

/** How often memberships of those who are connected are read again through `topicsOf`, in milliseconds. */
const RECHECK_EVERY = 60_000
/** Every process that shares the database has looked at it meanwhile, in milliseconds. */
const HEARD_WITHIN = 300

/** Embedded notifications for an Express app. Bad options throw an OptionError; with SQLite, the database is migrated here. */
export function createNotifications(options: NotificationsOptions): Notifications {
  requireExpress5()
  return compose(parseOptions(options))
}

/** Express 4 lets rejected handlers hang; npm refuses it as a peer, but can be told not to. */
function requireExpress5(): void {
  if ('lazyrouter' in express.application) throw new OptionError('Belfry needs Express 5, but the express that is installed here is version 4.')
}

function compose(options: Options): Notifications {
  const metrics = options.registry === undefined ? noMetrics : registerMetrics(options.registry)
  const { logger } = options
  const store = openSqliteStore({ database: options.database, logger, metrics })
  const events = new Events(logger)
  const service = new Service(store, events, (notification) => void tellCreated(notification, options, store, events), options.topicsOf)
  const bus = localBus()
  const changed = (change: 'connected' | 'disconnected', user: string, connections: number) => events.tell(change, { user, connections })
  const hub = new Hub({ ...options, metrics, changed, look: (users) => service.look(users) })
  const scheduler = new Scheduler({ tick: (now) => store.tick(now), logger })

  bus.subscribe((hint) => heed(hint, hub))
  const unwatch = store.watch((changed) => bus.publish({ kind: 'changed', audiences: changed }))
  const endSession = (session: string) => {
    bus.publish({ kind: 'disconnect', session })
    store.announce(`session:${session}`).catch((error: unknown) => logger.warn({ err: error }, 'other processes were not told of an ended session'))
  }
  const sessions = new SessionWatch({ ended: endSession, logger })
  const recheck = setInterval(() => void recheckMembers(hub, service, options), RECHECK_EVERY).unref()
  const { retention } = options
  const pruner = retention && new Pruner({ prune: () => store.prune(cutoffsOf(retention, Date.now())), logger })
  scheduler.start()

  const context = { options, service, hub, sessions, metrics, identify: (req: Request) => identify(req, options, sessions) }
  /** What is shown links to where browsers find it; the socket listens where the server hears it. */
  const pages = { ...context, options: { ...options, basePath: options.publicPath ?? options.basePath } }
  const detach: (() => void)[] = []
  let closing: Promise<void> | undefined
  const close = async () => {
    clearInterval(recheck)
    pruner?.close()
    sessions.close()
    await hub.close()
    for (const undo of detach) undo()
    await scheduler.close()
    unwatch()
    await bus.close()
    await store.close()
  }

  return {
    basePath: options.basePath,
    ready: () => store.ready(),
    notify: (draft) => service.notify(draft),
    state: (user) => service.state(user),
    unreadCount: async (user) => (await service.state(user)).unread,
    list: (user, query) => service.list(user, query),
    get: (user, id) => service.get(user, id),
    markAsRead: (user, ids) => service.mark(user, ids, 'read'),
    markAsUnread: (user, ids) => service.mark(user, ids, 'unread'),
    archive: (user, ids) => service.mark(user, ids, 'archive'),
    unarchive: (user, ids) => service.mark(user, ids, 'unarchive'),
    markAllAsRead: (user, { upTo }) => service.markAllAsRead(user, upTo),
    recall: (id) => service.recall(id),
    sent: (query) => service.sent(query),
    report: (id, query) => service.report(id, query),
    readers: (id, query) => service.readers(id, query),
    refresh: (user) => refresh(user, service, hub),
    disconnect: (target) => disconnect(target, hub, store),
    prune: async (ages) => store.prune(cutoffsOf(ages, Date.now())),
    exportUser: async (user) => store.exportUser(parseUser(user)),
    eraseUser: async (user) => eraseUser(parseUser(user), hub, store),
    on: (event, listener) => listen(events, event, listener),
    check: () => store.check(),
    middleware: () => createMiddleware(pages),
    router: () => createRouter(pages),
    sameOrigin: () => sameOrigin(options),
    attach: (server) => void detach.push(attachUpgrade(server, context)),
    close: () => (closing ??= close()),
  }
}

/** Inside a transaction of the host's 'created' waits for its end, and is not told where it was rolled back. */
async function tellCreated(notification: Notification, { database, logger }: Options, store: Store, events: Events): Promise<void> {
  if (!events.wants('created')) return
  if (typeof database === 'string') return events.tell('created', notification)
  try {
    for (let wait = 1; database.inTransaction; wait = Math.min(50, wait * 2)) await pause(wait, undefined, { ref: false })
    if ((await store.report(notification.id, [])) !== undefined) events.tell('created', notification)
  } catch (error) {
    logger.warn({ err: error, notification: notification.id }, "listeners for 'created' were not told of a notification")
  }
}

function listen<E extends EventName>(events: Events, event: E, listener: EventListener<E>): () => void {
  if (!EVENTS.includes(event)) throw new OptionError(`There is no event '${event}': on takes ${EVENTS.join(', ')}.`)
  if (typeof listener !== 'function') throw new OptionError('on takes the name of an event and a function.')
  return events.on(event, listener)
}

function heed(hint: Hint, hub: Hub): void {
  if (hint.kind === 'disconnect') {
    hub.disconnect(hint)
    return
  }
  for (const audience of hint.audiences) {
    if (audience.startsWith('session:')) hub.disconnect({ session: audience.slice('session:'.length) })
    if (audience.startsWith('signed-out:')) hub.disconnect({ user: audience.slice('signed-out:'.length) })
  }
  hub.wake(hint.audiences)
}

/** When the session store is out, express-session goes on without a `req.session`: that is an outage, not a signed-out person. */
async function identify(req: Request, options: Options, sessions: SessionWatch): Promise<Person | null> {
  if (req.session === undefined) throw new UnavailableError('The session store does not answer.')
  sessions.guard(req)
  const identity = await options.identify(req)
  return identity === null || identity === undefined ? null : parsePerson(identity, 'identify')
}

async function refresh(user: string, service: Service, hub: Hub): Promise<State> {
  const person = await service.recheck(user)
  if (person !== undefined) hub.update(person)
  hub.wake([`user:${user}`])
  return service.state(user)
}

async function disconnect(target: DisconnectTarget, hub: Hub, store: Store): Promise<void> {
  const hidden = 'user' in target ? target : { session: sessionKey(target.session) }
  hub.disconnect(hidden)
  await store.announce('user' in hidden ? `signed-out:${hidden.user}` : `session:${hidden.session}`)
}

/** Other processes hear whose connections end before the name is gone from what they hear it by. */
async function eraseUser(user: string, hub: Hub, store: Store): Promise<void> {
  await disconnect({ user }, hub, store)
  await pause(HEARD_WITHIN)
  await store.eraseUser(user)
}

async function recheckMembers(hub: Hub, service: Service, { logger }: Options): Promise<void> {
  for (const user of hub.users()) {
    try {
      const person = await service.recheck(user)
      if (person !== undefined) hub.update(person)
    } catch (error) {
      logger.warn({ err: error }, 'the topics of a connected user could not be read again')
    }
  }
}
