import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import type { DisconnectTarget, Notifications } from './api.js'
import type { Endings } from './endings.js'
import { InvalidError, OptionError } from './errors.js'
import { EVENTS, type EventListener, type EventName, type Events } from './events.js'
import { createAhead } from './http/ahead.js'
import { createMiddleware } from './http/middleware.js'
import { createRouter } from './http/router.js'
import { sameOrigin } from './http/same-origin.js'
import { sessionKey } from './http/stored-session.js'
import type { Hub } from './hub/hub.js'
import { parseUser } from './ids.js'
import { Lifecycle } from './lifecycle.js'
import { type NotificationsOptions, parseOptions } from './options.js'
import { joinParts, type Parts } from './parts.js'
import type { State } from './protocol.js'
import { cutoffsOf } from './retention.js'
import type { Service } from './service.js'
import type { Store } from './store/store.js'

/** By then every process that shares the database has looked at it, in milliseconds: one that nobody is connected to looks twice a second. */
const HEARD_WITHIN = 800

/**
 * Embedded notifications for an Express 5 app: kept in the app's own database, pushed over the app's own server, to whom the app's
 * own session says. Opens and migrates the database before it returns.
 * @throws OptionError for options that cannot be worked with; SchemaError for a database that is not ours to work on (a foreign table
 * `notifications`, a newer schema, one of which something was dropped); UnavailableError for one that is locked
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
  const parts = joinParts(parseOptions(options))
  return promised(parts, new Lifecycle(parts))
}

/** Express 4 lets rejected handlers hang; npm refuses it as a peer, but can be told not to. */
function requireExpress5(): void {
  if ('lazyrouter' in express.application) throw new OptionError('Belfry needs Express 5, but the express that is installed here is version 4.')
}

/** What `api.ts` promises, by the parts that do it. */
function promised(parts: Parts, lifecycle: Lifecycle): Notifications {
  const { options, store, events, service, hub, endings, context } = parts
  /** What is shown links to where browsers find it; the socket listens where the server hears it. */
  const pages = { ...context, options: { ...options, basePath: options.publicPath ?? options.basePath } }
  /** Of somebody who may be absent, the topics are asked for first. */
  const known = async <T>(user: string, act: () => Promise<T>) => {
    await service.recheck(parseUser(user))
    return act()
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
    sameOrigin: () => sameOrigin(context),
    ahead: (listener) => createAhead(context, listener),
    attach: (server) => lifecycle.attach(server),
    close: () => lifecycle.close(),
  }
}

function listen<E extends EventName>(events: Events, event: E, listener: EventListener<E>): () => void {
  if (!EVENTS.includes(event)) throw new OptionError(`There is no event '${event}': on takes ${EVENTS.join(', ')}.`)
  if (typeof listener !== 'function') throw new OptionError('on takes the name of an event and a function.')
  return events.on(event, listener)
}

/** A change of topics is recorded with the state, and whoever is connected is placed by what is recorded. */
async function refresh(user: string, service: Service, hub: Hub): Promise<State> {
  const state = await service.state(user)
  hub.wake([`user:${user}`])
  return state
}

async function disconnect(target: DisconnectTarget, endings: Endings): Promise<void> {
  const { user, session }: { readonly user?: unknown; readonly session?: unknown } = target ?? {}
  const whose = typeof user === 'string' ? { user } : typeof session === 'string' ? { session: sessionKey(session) } : undefined
  if (whose === undefined)
    throw new InvalidError([{ field: 'user', message: "Say whose connections are to end: { user: '7' } or { session: req.sessionID }." }])
  await endings.end(whose)
}

/** The name is also erased where other processes read whose connections are to end, so they are given the time to read it first. */
async function eraseUser(user: string, endings: Endings, store: Store): Promise<void> {
  await endings.end({ user })
  await pause(HEARD_WITHIN)
  await store.eraseUser(user)
}
