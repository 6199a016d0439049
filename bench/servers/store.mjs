// Belfry's store and service without a server around them, on a database of any size.
import { statSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import Database from 'better-sqlite3'
import { noMetrics } from '../../dist/notifications/metrics.js'
import { Service } from '../../dist/notifications/service.js'
import { openSqliteStore } from '../../dist/notifications/store/sqlite.js'
import { obey, settings, turnOfLoop } from './host.mjs'

const logger = { info() {}, warn: console.warn, error: console.error }
let store
let service

function open() {
  store = openSqliteStore({ database: settings.database, logger, metrics: noMetrics })
  service = new Service(store, { wants: () => false, tell() {} }, () => {})
}

/** Microseconds of each call. */
async function timed(times, act) {
  const took = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await act(i)
    took.push((performance.now() - began) * 1000)
  }
  took.sort((a, b) => a - b)
  return { p50: took[times >> 1], p99: took[Math.floor(times * 0.99)] }
}

/** Milliseconds between two turns of the event loop at most, and until it is done. */
async function heldBy(act) {
  const began = performance.now()
  let last = began
  let held = 0
  let going = true
  const turn = () => {
    const now = performance.now()
    held = Math.max(held, now - last)
    last = now
    if (going) setImmediate(turn)
  }
  setImmediate(turn)
  await act()
  going = false
  const all = performance.now() - began
  await turnOfLoop()
  return { held, all }
}

const planned = (count, publishAt) => Array.from({ length: count }, (_, i) => ({ to: { user: String(i) }, title, publishAt }))

async function tickAll(now) {
  for (let next = now; next !== null && next <= now; ) next = await store.tick(now)
}

const anybody = (users) => String(1 + Math.floor(Math.random() * users))

const title = 'Somebody commented on your post'

obey(undefined, {
  listen: () => ({ port: 0 }),

  /** Writes rows as another process would, with the triggers at work but without waiting for the disk. */
  fill({ users, rows }) {
    open()
    store.close()
    const db = new Database(settings.database)
    db.pragma('synchronous = OFF')
    db.pragma('cache_size = -1000000')
    const insert = db.prepare("INSERT INTO notifications (audience, title, url) VALUES ('user:' || ?, ?, '/posts/1')")
    const portion = db.transaction((from, to) => {
      for (let i = from; i < to; i++) insert.run(String(1 + ((i * 7919) % users)), title)
    })
    for (let done = 0; done < rows; done += 100_000) portion(done, Math.min(rows, done + 100_000))
    db.exec('DELETE FROM notification_changes WHERE n < (SELECT max(n) FROM notification_changes)')
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.close()
  },

  /** As if each had been told something else before. */
  tellApart() {
    const db = new Database(settings.database)
    db.exec('UPDATE notification_users SET version = version + CAST(user_id AS INTEGER)')
    db.close()
  },

  open,

  state: ({ users, times }) => timed(times, () => service.state(anybody(users))),

  page: ({ users, times }) => timed(times, () => service.list(anybody(users))),

  notify: ({ users, times }) => timed(times, () => service.notify({ to: { user: anybody(users) }, title })),

  markAll: ({ users, times }) =>
    timed(times, async () => {
      const user = anybody(users)
      const { items } = await service.list(user, { limit: 1 })
      await service.markAllAsRead(user, items[0].cursor)
    }),

  /** In groups, so that the disk is waited for once and the work itself is what is measured. */
  async markAllTogether({ users, times }) {
    const all = []
    for (let i = 0; i < times; i++) {
      const user = anybody(users)
      const { items } = await service.list(user, { limit: 1 })
      all.push([user, items[0].cursor])
    }
    const began = performance.now()
    await Promise.all(all.map(([user, cursor]) => store.markAllAsRead(user, Number.parseInt(cursor, 36), Date.now())))
    return { each: ((performance.now() - began) * 1000) / times }
  },

  /** As the hub does it for those who are connected: when they came, and again after a message to everyone. */
  async reread({ users, connected, slice }) {
    const asked = Array.from({ length: connected }, (_, i) => ({ user: String(1 + ((i * 97) % users)), seen: Number.MAX_SAFE_INTEGER }))
    const first = await lookAt(asked, slice)
    await service.notify({ to: 'everyone', title })
    const again = await lookAt(asked, slice)
    return { first: first.total, again: again.total, longest: again.longest }
  },

  async everyone({ times }) {
    const before = sizeOf(settings.database)
    const sent = []
    const { p50 } = await timed(times, async () => sent.push(await service.notify({ to: 'everyone', title })))
    const bytes = (sizeOf(settings.database) - before) / times
    // The next round is to find inboxes as this one did.
    await Promise.all(sent.map(({ id }) => service.recall(id)))
    return { commit: p50 / 1000, bytes }
  },

  notified({ count }) {
    const notified = planned(count, null).map((draft) => service.notify(draft))
    return heldBy(() => Promise.all(notified))
  },

  named: ({ count }) => heldBy(() => service.notify({ to: { users: planned(count).map(({ to }) => to.user) }, title })),

  async due({ count }) {
    const at = Date.now() + 60_000
    await Promise.all(planned(count, at).map((draft) => service.notify(draft)))
    return heldBy(() => tickAll(at))
  },

  /** Read one by one, as another process would write it. */
  async counted({ count }) {
    const { id } = await service.notify({ to: 'everyone', title })
    const db = new Database(settings.database)
    db.pragma('synchronous = OFF')
    db.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO notification_receipts (user_id, position, read_at) SELECT i, (SELECT max(position) FROM notification_deliveries), 1 FROM n`).run(
      count,
    )
    db.close()
    await turnOfLoop()
    return heldBy(() => store.report(id, []))
  },

  rowPerUser({ users, way }) {
    const db = new Database(settings.database)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    const { schema, send } = ways[way]
    db.exec(schema)
    const before = sizeOf(settings.database)
    const began = performance.now()
    db.transaction(() => send(db, users))()
    const commit = performance.now() - began
    db.pragma('wal_checkpoint(TRUNCATE)')
    const bytes = statSync(settings.database).size - before
    db.close()
    return { commit, bytes }
  },
})

async function lookAt(asked, slice) {
  let longest = 0
  let total = 0
  for (let from = 0; from < asked.length; from += slice) {
    const began = performance.now()
    await service.look(asked.slice(from, from + slice))
    const took = performance.now() - began
    longest = Math.max(longest, took)
    total += took
    await turnOfLoop()
  }
  return { total, longest }
}

/** What is used of the database, pages in the write-ahead log included. */
function sizeOf(path) {
  const db = new Database(path)
  const simple = { simple: true }
  const size = (db.pragma('page_count', simple) - db.pragma('freelist_count', simple)) * db.pragma('page_size', simple)
  db.close()
  return size
}

const ways = {
  /** The database channel of Laravel: a row with a UUID and the text as JSON for each user. */
  laravel: {
    schema: `CREATE TABLE notifications (id TEXT PRIMARY KEY, type TEXT NOT NULL, notifiable_type TEXT NOT NULL, notifiable_id INTEGER NOT NULL,
               data TEXT NOT NULL, read_at TEXT, created_at TEXT, updated_at TEXT);
             CREATE INDEX notifications_notifiable ON notifications (notifiable_type, notifiable_id)`,
    send(db, users) {
      const insert = db.prepare("INSERT INTO notifications VALUES (?, 'App\\Notifications\\Announcement', 'App\\Models\\User', ?, ?, NULL, ?, ?)")
      const at = new Date().toISOString()
      const data = JSON.stringify({ title, url: '/posts/1' })
      for (let user = 1; user <= users; user++) insert.run(crypto.randomUUID(), user, data, at, at)
    },
  },
  /** noticed 2: one event, and a row for each recipient, inserted a thousand at a time. */
  noticed: {
    schema: `CREATE TABLE noticed_events (id INTEGER PRIMARY KEY, type TEXT, record_type TEXT, record_id INTEGER, params TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
               notifications_count INTEGER);
             CREATE TABLE noticed_notifications (id INTEGER PRIMARY KEY, type TEXT, event_id INTEGER NOT NULL, recipient_type TEXT NOT NULL, recipient_id INTEGER NOT NULL,
               read_at TEXT, seen_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
             CREATE INDEX noticed_event ON noticed_notifications (event_id);
             CREATE INDEX noticed_recipient ON noticed_notifications (recipient_type, recipient_id)`,
    send(db, users) {
      const at = new Date().toISOString()
      const event = db.prepare("INSERT INTO noticed_events VALUES (NULL, 'Announcement', NULL, NULL, ?, ?, ?, ?)")
      const { lastInsertRowid } = event.run(JSON.stringify({ title, url: '/posts/1' }), at, at, users)
      const portion = 1000
      const values = Array(portion).fill("(NULL, 'Announcement::Notification', ?, 'User', ?, NULL, NULL, ?, ?)").join(', ')
      const insert = db.prepare(`INSERT INTO noticed_notifications VALUES ${values}`)
      for (let user = 1; user <= users; user += portion) {
        insert.run(Array.from({ length: portion }, (_, i) => [lastInsertRowid, user + i, at, at]).flat())
      }
    },
  },
}
