import { setTimeout as pause } from 'node:timers/promises'
import type { Request } from 'express'
import type { Bus, Hint } from './bus/bus.js'
import { localBus } from './bus/local.js'
import { Endings } from './endings.js'
import { Events } from './events.js'
import type { HttpContext } from './http/context.js'
import { Departure } from './http/departure.js'
import { Hints } from './http/hints.js'
import { createIdentify, personIn } from './http/identify.js'
import { KnownCookies } from './http/known-cookies.js'
import { SessionWatch } from './http/session-watch.js'
import { earlierVisit } from './http/visit.js'
import { Hub } from './hub/hub.js'
import { type Metrics, noMetrics, registerMetrics } from './metrics.js'
import type { Notification } from './notification.js'
import type { Options } from './options.js'
import { Recheck } from './recheck.js'
import { cutoffsOf, Pruner } from './retention.js'
import { Scheduler } from './scheduler.js'
import { Service } from './service.js'
import { openSqliteStore } from './store/sqlite.js'
import type { Store } from './store/store.js'

/** What the plugin is made of, joined and at work; `Lifecycle` ends it. */
export interface Parts {
  readonly options: Options
  readonly metrics: Metrics
  readonly store: Store
  readonly events: Events
  readonly service: Service
  readonly bus: Bus
  readonly hub: Hub
  readonly endings: Endings
  readonly sessions: SessionWatch
  readonly scheduler: Scheduler
  readonly recheck: Recheck | undefined
  readonly pruner: Pruner | undefined
  readonly context: HttpContext
  /** The store's feed goes to the bus until this is called. */
  readonly unwatch: () => void
}

/** Constructs the parts and joins them: the only place that does. Throws as `createNotifications` says. */
export function joinParts(options: Options): Parts {
  const { logger, retention, topicsOf } = options
  const metrics = options.registry === undefined ? noMetrics : registerMetrics(options.registry)
  const store = openStore(options, metrics)
  const events = new Events(logger)
  const service = new Service(store, events, (notification) => void tellCreated(notification, options, store, events), topicsOf)
  const bus = localBus()
  const hub = new Hub({
    ...options,
    metrics,
    changed: (change, user, connections) => events.tell(change, { user, connections }),
    attended: (attended) => store.attend(attended),
    look: (users) => service.look(users),
  })
  store.attend(false)
  const endings = new Endings(bus, store)
  bus.subscribe((hint) => heed(hint, hub))
  const unwatch = store.watch((changed, ended) => {
    endings.heard(ended)
    if (changed.length > 0) bus.publish({ kind: 'changed', audiences: changed })
  })
  const untold = (error: unknown) => logger.warn({ err: error }, 'other processes were not told of an ended session')
  const ended = (session: string, at: number, kept?: string) => void endings.end({ session }, at, kept).catch(untold)
  const whoIs = async (req: Request) => (await personIn(req, options))?.id ?? null
  const whoWas = (req: Request) =>
    earlierVisit({ service }, req)?.then(
      (visit) => visit?.person.id ?? null,
      () => null,
    )
  const sessions = new SessionWatch({ ended, whoIs, whoWas, logger })
  const recheck = topicsOf && new Recheck({ users: () => hub.users(), recheck: (user) => service.recheck(user), logger })
  const pruner = retention && new Pruner({ prune: () => store.prune(cutoffsOf(retention, Date.now())), logger })
  const scheduler = new Scheduler({ tick: (now) => store.tick(now), logger })
  scheduler.start()
  const context = contextOf({ options, service, hub, sessions, metrics })
  return { options, metrics, store, events, service, bus, hub, endings, sessions, scheduler, recheck, pruner, context, unwatch }
}

/** Where it cannot be opened, the registry is left as it was: the host may try again. */
function openStore({ database, logger }: Options, metrics: Metrics): Store {
  try {
    return openSqliteStore({ database, logger, metrics })
  } catch (error) {
    metrics.close()
    throw error
  }
}

function contextOf(parts: Pick<Parts, 'options' | 'service' | 'hub' | 'sessions' | 'metrics'>): HttpContext {
  const hints = new Hints(parts.options)
  const identify = createIdentify(parts.options, parts.sessions, hints)
  return { ...parts, cookies: new KnownCookies(), hints, departure: new Departure(), identify }
}

function heed(hint: Hint, hub: Hub): void {
  if (hint.kind === 'disconnect') hub.disconnect(hint)
  else hub.wake(hint.audiences)
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
