import type { Request } from 'express'
import type { Hub } from '../hub/hub.js'
import type { Metrics } from '../metrics.js'
import type { Options } from '../options.js'
import type { Person } from '../person.js'
import type { Service } from '../service.js'
import type { Departure } from './departure.js'
import type { Hints } from './hints.js'
import type { KnownCookies } from './known-cookies.js'
import type { SessionWatch } from './session-watch.js'

/** What every route and the upgrade need; made once, by the composition root. */
export interface HttpContext {
  readonly options: Options
  readonly service: Service
  readonly hub: Hub
  readonly sessions: SessionWatch
  readonly metrics: Metrics
  readonly cookies: KnownCookies
  readonly hints: Hints
  /** For the answers that come by the thousand. */
  readonly departure: Departure
  /** Who is there, by the host's `identify`; null when nobody is. Throws UnavailableError when the session store is out. */
  identify(req: Request): Promise<Person | null>
}
