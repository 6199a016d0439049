import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { Notification } from '../notification.js'
import type { Access } from './access.js'
import { portions } from './portion.js'
import { BEGINNING, ReadCounts } from './read-counts.js'
import { Readers } from './readers.js'
import { type RawSent, Reports } from './reports.js'
import type { ReaderRow, ReadersPage, Sent, SentPage } from './store.js'

/** What senders see of what they sent. Readers may be many, so they are gone through in portions. */
export class Outbox {
  readonly #access: Access
  readonly #reports: Reports
  readonly #readCounts: ReadCounts
  readonly #readers: Readers

  constructor(db: Database, access: Access) {
    this.#access = access
    this.#reports = new Reports(db)
    this.#readCounts = new ReadCounts(db)
    this.#readers = new Readers(db)
  }

  notification(id: string): Promise<Notification | undefined> {
    return this.#access.read(() => {
      const raw = this.#reports.one(id)
      return raw && this.#reports.notification(raw)
    })
  }

  async list({ before, limit, except }: SentPage): Promise<readonly Sent[]> {
    const entries: Sent[] = []
    for (const raw of await this.#access.read(() => this.#reports.page(before, limit))) entries.push(await this.#entry(raw, except))
    return entries
  }

  async report(id: string, except: readonly string[]): Promise<Sent | undefined> {
    const raw = await this.#access.read(() => this.#reports.one(id))
    return raw && this.#entry(raw, except)
  }

  async readers(id: string, { limit, except }: ReadersPage): Promise<readonly ReaderRow[] | undefined> {
    const raw = await this.#access.read(() => this.#reports.one(id))
    if (raw === undefined) return undefined
    let newest: readonly ReaderRow[] = []
    for (let from: string | null = ''; from !== null; ) {
      const start: string = from
      const { readers, next } = await this.#access.read(() => this.#readers.some(raw, start, limit, except))
      newest = [...newest, ...readers].sort((a, b) => (b.readAt ?? -1) - (a.readAt ?? -1)).slice(0, limit)
      from = next
      await nextTurn()
    }
    return newest
  }

  async #entry(raw: RawSent, except: readonly string[]): Promise<Sent> {
    const read = await portions(BEGINNING, (from) => this.#access.read(() => this.#readCounts.some(raw, except, from)))
    return this.#access.read(() => this.#reports.entry(raw, except, read))
  }
}
