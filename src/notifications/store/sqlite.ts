import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { Ending } from '../ending.js'
import { UnavailableError } from '../errors.js'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics.js'
import type { NewNotification, Notification } from '../notification.js'
import type { Person } from '../person.js'
import type { ItemState } from '../protocol.js'
import { Access } from './access.js'
import { driverWarnings } from './driver.js'
import { Erasure } from './erasure.js'
import { Export } from './export.js'
import { asFailure } from './failures.js'
import { Feed } from './feed.js'
import { Inbox } from './inbox.js'
import { Marks } from './marks.js'
import { fileOf, open } from './open.js'
import { OpenFile } from './open-file.js'
import { Outbox } from './outbox.js'
import { Pruning } from './pruning.js'
import { Refusals } from './refusals.js'
import { Sending } from './sending.js'
import { Snapshots } from './snapshots.js'
import type {
  Asked,
  Concerned,
  Cutoffs,
  Freshness,
  Inserted,
  Listing,
  Mark,
  Page,
  Pruned,
  ReaderRow,
  ReadersPage,
  Row,
  Sent,
  SentPage,
  Sight,
  Snapshot,
  Store,
  UserExport,
} from './store.js'

export interface SqliteStoreOptions {
  /** A path, `':memory:'`, or an open Database of the host's. */
  readonly database: string | Database
  readonly logger: Logger
  readonly metrics: Metrics
}

/** The host's own handle, for what is to be part of its transactions. */
interface Host {
  readonly db: Database
  readonly sending: Sending
}

/** Opens and migrates at once. Throws SchemaError, OptionError or UnavailableError, in a whole sentence. */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options)
}

class SqliteStore implements Store {
  readonly epoch: string
  readonly #db: Database
  readonly #host: Host | undefined
  readonly #shared: boolean
  readonly #inbox: Inbox
  readonly #snapshots: Snapshots
  readonly #marks: Marks
  readonly #sending: Sending
  readonly #outbox: Outbox
  readonly #pruning: Pruning
  readonly #export: Export
  readonly #erasure: Erasure
  readonly #access: Access
  readonly #refusals: Refusals
  readonly #feed: Feed
  /** Undefined in memory. */
  readonly #file: OpenFile | undefined
  #prunesFeed = false
  #closing: Promise<void> | undefined

  constructor({ database, logger, metrics }: SqliteStoreOptions) {
    const { db, host, shared, epoch, migrations } = open(database)
    if (migrations.length > 0) logger.info({ migrations }, 'the database of an older version was brought up to date')
    for (const warning of driverWarnings(host)) logger.warn({}, warning)
    this.epoch = epoch
    this.#db = db
    this.#host = host && { db: host, sending: new Sending(host) }
    this.#shared = shared
    this.#inbox = new Inbox(db)
    this.#marks = new Marks(db, this.#inbox)
    this.#sending = new Sending(db)
    this.#feed = new Feed(db, { logger, refused: () => void this.#refusals.log(), grown: () => void this.#pruneFeed() })
    this.#snapshots = new Snapshots(db, this.#feed, this.#inbox)
    this.#access = new Access(db, metrics, () => void this.#feed.look())
    this.#outbox = new Outbox(db, this.#access)
    this.#pruning = new Pruning(db, this.#access)
    this.#export = new Export(db, this.#access, this.#inbox)
    this.#erasure = new Erasure(db, this.#access)
    this.#refusals = new Refusals(db, this.#access, logger)
    const path = fileOf(db)
    this.#file = path === '' ? undefined : new OpenFile(path, logger)
    void this.#refusals.log()
  }

  async ready(): Promise<void> {}

  /** Not async: inside a host's transaction the row is there before the promise is. */
  insert(draft: NewNotification): Promise<Inserted> {
    if (this.#host?.db.open && this.#host.db.inTransaction) return this.#insertWithHost(this.#host, draft)
    return this.#access.write(() => this.#sending.insert(draft))
  }

  snapshot(user: string, asOf?: Freshness): Promise<Snapshot> {
    return this.#access.read(() => this.#snapshots.of(user, asOf))
  }

  look(asked: readonly Asked[]): Promise<readonly Sight[]> {
    // What is open on a handle shared with the host may still be undone, and what was told could not be taken back.
    if (this.#db.inTransaction) return Promise.reject(new UnavailableError('The database is busy: a transaction is open.'))
    return this.#access.read(() => this.#snapshots.look(asked))
  }

  remember(person: Person): Promise<void> {
    return this.#access.write(() => this.#marks.remember(person))
  }

  async list(user: string, page: Page): Promise<Listing> {
    const { rows: first, more, rest, snapshot } = await this.#access.read(() => this.#snapshots.list(user, page))
    if (rest === null) return { rows: first, more, snapshot }
    await nextTurn()
    // What was read of it later is no older than the snapshot.
    const later = await this.list(user, rest)
    return { rows: [...first, ...later.rows], more: later.more, snapshot }
  }

  find(user: string, id: string): Promise<Row | undefined> {
    return this.#access.read(() => this.#inbox.find(user, id))
  }

  mark(user: string, ids: readonly string[], mark: Mark, now: number): Promise<ReadonlyMap<string, ItemState>> {
    return this.#access.write(() => this.#marks.mark(user, ids, mark, now))
  }

  markAllAsRead(user: string, upTo: number, now: number): Promise<boolean> {
    return this.#access.write(() => this.#marks.markAllAsRead(user, upTo, now))
  }

  recall(id: string, now: number): Promise<boolean | undefined> {
    return this.#access.write(() => this.#sending.recall(id, now))
  }

  notification(id: string): Promise<Notification | undefined> {
    return this.#outbox.notification(id)
  }

  sent(page: SentPage): Promise<readonly Sent[]> {
    return this.#outbox.list(page)
  }

  report(id: string, except: readonly string[]): Promise<Sent | undefined> {
    return this.#outbox.report(id, except)
  }

  readers(id: string, page: ReadersPage): Promise<readonly ReaderRow[] | undefined> {
    return this.#outbox.readers(id, page)
  }

  prune(cutoffs: Cutoffs): Promise<Pruned> {
    return this.#pruning.prune(cutoffs)
  }

  exportUser(user: string): Promise<UserExport> {
    return this.#export.of(user)
  }

  eraseUser(user: string): Promise<void> {
    return this.#erasure.erase(user)
  }

  async tick(now: number): Promise<number | null> {
    const next = await this.#access.read(() => this.#sending.next())
    if (next === null || next > now) return next
    return this.#access.write(() => this.#sending.tick(now))
  }

  watch(listener: (changed: readonly Concerned[], endings: readonly Ending[]) => void): () => void {
    return this.#feed.watch(listener)
  }

  attend(attended: boolean): void {
    this.#feed.attend(attended)
  }

  announce(ending: Ending): Promise<void> {
    return this.#access.write(() => this.#sending.announce(ending))
  }

  async check(): Promise<void> {
    await this.#access.read(() => this.#sending.next())
    await this.#file?.check()
  }

  hurry(): void {
    this.#access.hurry()
  }

  close(): Promise<void> {
    this.#closing ??= this.#access.close().then(() => {
      this.#feed.close()
      this.#file?.close()
      if (!this.#shared) this.#db.close()
    })
    return this.#closing
  }

  /** As durable as the host's commit; a savepoint keeps it whole. */
  #insertWithHost({ db, sending }: Host, draft: NewNotification): Promise<Inserted> {
    try {
      const inserted = db.transaction(() => sending.insert(draft))()
      this.#lookWhenDone()
      return Promise.resolve(inserted)
    } catch (error) {
      return Promise.reject(asFailure(error))
    }
  }

  /** The push follows the outermost commit at once where that comes in this turn of the loop; else the feed sees it at its next look. */
  #lookWhenDone(): void {
    setImmediate(() => this.#feed.look())
  }

  /** Until it is short again; where nothing can be written, until something can. */
  async #pruneFeed(): Promise<void> {
    if (this.#prunesFeed) return
    this.#prunesFeed = true
    try {
      while (this.#feed.isLong) await this.#access.write(() => this.#feed.prune())
    } catch {
      // The next look begins anew.
    } finally {
      this.#prunesFeed = false
    }
  }
}
