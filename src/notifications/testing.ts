/** `import … from 'belfry/testing'`: what tests of a host need. Not for production: whoever can set a header is let in. */

import express, { type RequestHandler } from 'express'
import type { Identity, Notifications, NotificationsOptions, Notified, Recipients } from './index.js'
import { createNotifications } from './index.js'
import { assertCount, assertNotSentTo, assertSentTimes, assertSentTo, type Expected } from './testing/assertions.js'
import { standInSession, testIdentity } from './testing/identity.js'

export type { Expected } from './testing/assertions.js'
export { sessionCookie, type TestSession } from './testing/session-cookie.js'
export { type TabOptions, type TestTab, testTab } from './testing/tab.js'

/** The real plugin over a database in memory, which remembers what was sent and can be asked about it. */
export interface FakeNotifications extends Notifications, AsyncDisposable {
  /** All that `notify` stored, oldest first. */
  readonly notified: readonly Notified[]
  /**
   * Throws an AssertionError that lists what was sent, unless a notification was addressed to all of these by name and
   * fits. A user has been addressed by `{ user }` and `{ users }`, never by a topic or everyone.
   * @example fake.assertSentTo({ user: '7' }, { title: /comment/, url: '/posts/1' })
   */
  assertSentTo(to: Recipients, expected?: Expected): void
  /** The opposite: throws if one was addressed to any of these, and fits. */
  assertNotSentTo(to: Recipients, expected?: Expected): void
  /** Throws unless exactly so many fit, whoever they were for. */
  assertSentTimes(times: number, expected: Expected): void
  /** Throws unless exactly so many were sent in all. */
  assertCount(count: number): void
  /** Throws if anything was sent. */
  assertNothingSent(): void
  /** Forgets what was sent so far; the inboxes keep it. */
  forget(): void
}

/**
 * Stands in for `createNotifications` in a host's tests: drafts are checked, inboxes, counts and live connections are
 * real, the database is in memory. What is given in `options` is used as it is. Nobody is signed in but by the host's own
 * `identify`, where given, and by `testTab(server, { user })`. Without the option `session`, an app that has no sessions needs none.
 *
 * @example
 * await using fake = fakeNotifications()
 * await publishComment(fake, { post: 1, by: 'bo' })
 * fake.assertSentTo({ user: 'ada' }, { title: 'bo commented' })
 */
export function fakeNotifications(options: Partial<NotificationsOptions> = {}): FakeNotifications {
  const given: RequestHandler = options.session ?? ((req, _res, next) => (req.session === undefined ? standInSession(req, next) : next()))
  const notifications = createNotifications({
    database: ':memory:',
    ...options,
    session: (req, res, next) => (testIdentity(req) === null ? given(req, res, next) : standInSession(req, next)),
    identify: (req): Identity | null | Promise<Identity | null> => testIdentity(req) ?? options.identify?.(req) ?? null,
  })
  const sent: Notified[] = []
  return {
    ...notifications,
    middleware: () => behind(options.session, given, notifications.middleware()),
    router: () => behind(options.session, given, notifications.router()),
    notified: sent,
    notify: (draft) => {
      const stored = notifications.notify(draft)
      return stored.then((one) => {
        if (!one.replayed) sent.push(one)
        return one
      })
    },
    assertSentTo: (to, expected = {}) => assertSentTo(sent, to, expected),
    assertNotSentTo: (to, expected = {}) => assertNotSentTo(sent, to, expected),
    assertSentTimes: (times, expected) => assertSentTimes(sent, times, expected),
    assertCount: (count) => assertCount(sent, count),
    assertNothingSent: () => assertCount(sent, 0),
    forget: () => void sent.splice(0),
    [Symbol.asyncDispose]: () => notifications.close(),
  }
}

/** Where the host gave sessions it mounts them itself. */
function behind<H extends RequestHandler>(own: RequestHandler | undefined, standIn: RequestHandler, handler: H) {
  return own === undefined ? express.Router().use(standIn, handler) : handler
}
