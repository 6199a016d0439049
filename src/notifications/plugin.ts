import type { Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import express, { type Request } from 'express'
import type {} from 'express-session'
import type { DisconnectTarget, Notifications } from './api.js'
import type { Hint } from './bus/bus.js'
import { localBus } from './bus/local.js'
import { Endings } from './endings.js'
import { InvalidError, OptionError, UnavailableError } from './errors.js'
import { EVENTS, type EventListener, type EventName, Events } from './events.js'
import { createAhead, KnownCookies } from './http/ahead.js'
import { Departure } from './http/departure.js'
import { drained } from './http/drain.js'
import { Hints } from './http/hints.js'
import { whyNoSession } from './http/load-session.js'
import { createMiddleware } from './http/middleware.js'
import { within } from './http/refusal.js'
import { createRouter } from './http/router.js'
import { sameOrigin } from './http/same-origin.js'
import { SessionWatch } from './http/session-watch.js'
import { sessionKey } from './http/stored-session.js'
import { attachUpgrade } from './http/upgrade.js'
import { Hub } from './hub/hub.js'
import { noMetrics, registerMetrics } from './metrics.js'
import type { Notification } from './notification.js'
import { type NotificationsOptions, type Options, parseOptions } from './options.js'
import { type Person, parsePerson } from './person.js'
import type { State } from './protocol.js'
import { Recheck } from './recheck.js'
import { cutoffsOf, Pruner } from './retention.js'
import { Scheduler } from './scheduler.js'
import { parseUser, Service } from './service.js'
import { openSqliteStore } from './store/sqlite.js'
import type { Store } from './store/store.js'

/** Every process that shares the database has looked at it meanwhile, in milliseconds. */
const HEARD_WITHIN = 300
/** How long the session middleware may take for a new visitor, in milliseconds. */
const ANSWER_WITHIN = 1000

/**
 * Embedded notifications for an Express 5 app: kept in the app's own database, pushed over the app's own server, to whom the app's
 * own session says. Opens and migrates the database before it returns.
 * @throws OptionError for options that cannot be worked with; SchemaError for a database that is not ours to work on (a foreign table
 * `notifications`, a newer schema); UnavailableError for one that is locked
 *
 * @example
 * const notifications = createNotifications({
 *   database: 'data/app.db',
 *   session: sessions,
 *   identify: (req) => (req.session.userId ? { id: String(req.session.userId) } : null),
 * })
 * app.use(sessions, notifications.middleware())
 * app.use(notifications.basePath, notifications.router())
 * notifications.attach(server)
 */
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
  const endings = new Endings(bus, store)
  const unwatch = store.watch((changed, ended) => {
    endings.heard(ended)
    if (changed.length > 0) bus.publish({ kind: 'changed', audiences: changed })
  })
  const endSession = (session: string) => {
    endings.end({ session }).catch((error: unknown) => logger.warn({ err: error }, 'other processes were not told of an ended session'))
  }
  const sessions = new SessionWatch({ ended: endSession, logger })
  const recheck = options.topicsOf && new Recheck({ users: () => hub.users(), recheck: (user) => recheckMember(user, service, hub), logger })
  const { retention } = options
  const pruner = retention && new Pruner({ prune: () => store.prune(cutoffsOf(retention, Date.now())), logger })
  scheduler.start()

  const hints = new Hints(options)
  const context = {
    options,
    service,
    hub,
    sessions,
    metrics,
    cookies: new KnownCookies(),
    hints,
    departure: new Departure(),
    identify: (req: Request) => (req.session === undefined ? withoutSession(req, options, hints) : identify(req, options, sessions)),
  }
  /** What is shown links to where browsers find it; the socket listens where the server hears it. */
  const pages = { ...context, options: { ...options, basePath: options.publicPath ?? options.basePath } }
  /** Of somebody who may be absent, the topics are asked for first. */
  const known = async <T>(user: string, act: () => Promise<T>) => {
    await service.recheck(parseUser(user))
    return act()
  }
  const servers = new Set<Server>()
  const detach: (() => void)[] = []
  let closing: Promise<void> | undefined
  const close = async () => {
    recheck?.close()
    pruner?.close()
    sessions.rest()
    store.hurry()
    const idle = scheduler.close()
    await hub.close()
    // Requests that are being answered may still want to notify somebody, or sign somebody out.
    await Promise.all([...servers].map(drained))
    sessions.close()
    for (const undo of detach) undo()
    await idle
    unwatch()
    await bus.close()
    await store.close()
    metrics.close()
  }

  return {
    basePath: options.basePath,
    ready: () => store.ready(),
    notify: (draft) => service.notify(draft),
    state: (user) => service.state(user),
    unreadCount: async (user) => (await service.state(user)).unread,
    list: (user, query) => known(user, () => service.list(user, query)),
    get: (user, id) => known(user, () => service.get(user, id)),
    markAsRead: (user, ids) => known(user, () => service.mark(user, ids, 'read')),
    markAsUnread: (user, ids) => known(user, () => service.mark(user, ids, 'unread')),
    archive: (user, ids) => known(user, () => service.mark(user, ids, 'archive')),
    unarchive: (user, ids) => known(user, () => service.mark(user, ids, 'unarchive')),
    markAllAsRead: (user, options) => known(user, () => service.markAllAsRead(user, options?.upTo)),
    recall: (id) => service.recall(id),
    sent: (query) => service.sent(query),
    report: (id, query) => service.report(id, query),
    readers: (id, query) => service.readers(id, query),
    refresh: (user) => refresh(user, service, hub),
    disconnect: (target) => disconnect(target, endings),
    prune: async (ages) => store.prune(cutoffsOf(ages, Date.now())),
    exportUser: async (user) => store.exportUser(parseUser(user)),
    eraseUser: async (user) => eraseUser(parseUser(user), endings, store),
    on: (event, listener) => listen(events, event, listener),
    check: () => store.check(),
    middleware: () => createMiddleware(pages),
    router: () => createRouter(pages),
    sameOrigin: () => sameOrigin(options),
    ahead: (listener) => createAhead(context, listener),
    attach(server) {
      servers.add(server)
      detach.push(attachUpgrade(server, context))
    },
    close: () => (closing ??= close()),
  }
}

/** Inside a transaction of the host's 'created' waits for its end, and is not told where it was rolled back. */
async function tellCreated(notification: Notification, { database, logger }: Options, store: Store, events: Events): Promise<void> {
  if (!events.wants('created')) return
  if (typeof database === 'string') return events.tell('created', notification)
  try {
    for (let wait = 1; database.inTransaction; wait = Math.min(50, wait * 2)) await pause(wait, undefined, { ref: false })
    if ((await store.notification(notification.id)) !== undefined) events.tell('created', notification)
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
  if (hint.kind === 'disconnect') hub.disconnect(hint)
  else hub.wake(hint.audiences)
}

/** Where a session has no business to be there is nobody; else that is an outage, not a signed-out person. */
async function withoutSession(req: Request, { session, basePath }: Options, hints: Hints): Promise<null> {
  if ((await within(ANSWER_WITHIN, whyNoSession(req, session, basePath))) === 'elsewhere') return null
  hints.noSession()
  throw new UnavailableError('The session store does not answer.')
}

async function identify(req: Request, options: Options, sessions: SessionWatch): Promise<Person | null> {
  sessions.guard(req)
  const identity = await options.identify(req)
  return identity === null || identity === undefined ? null : parsePerson(identity, 'identify')
}

async function refresh(user: string, service: Service, hub: Hub): Promise<State> {
  await recheckMember(user, service, hub)
  hub.wake([`user:${user}`])
  return service.state(user)
}

async function recheckMember(user: string, service: Service, hub: Hub): Promise<void> {
  const person = await service.recheck(user)
  if (person !== undefined) hub.update(person)
}

async function disconnect(target: DisconnectTarget, endings: Endings): Promise<void> {
  const { user, session }: { readonly user?: unknown; readonly session?: unknown } = target ?? {}
  const whose = typeof user === 'string' ? { user } : typeof session === 'string' ? { session: sessionKey(session) } : undefined
  if (whose === undefined)
    throw new InvalidError([{ field: 'user', message: "Say whose connections are to end: { user: '7' } or { session: req.sessionID }." }])
  await endings.end(whose)
}

/** Other processes hear whose connections end before the name is gone from what they hear it by. */
async function eraseUser(user: string, endings: Endings, store: Store): Promise<void> {
  await endings.end({ user })
  await pause(HEARD_WITHIN)
  await store.eraseUser(user)
}
