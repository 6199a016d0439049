import { type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { UnavailableError } from '../errors.js'
import type { Logger } from '../logger.js'
import { isOpenTwice } from './driver.js'

/** How often it is looked at, in milliseconds. */
const EVERY = 10_000

/**
 * The file of an open database. SQLite goes on without it when it is removed or another is put in its place, and says nothing; what is written then is
 * gone with the last process that has it open. Nor does it say anything where another copy of SQLite in this process writes over what this one wrote.
 */
export class OpenFile {
  readonly #path: string
  readonly #logger: Logger
  readonly #opened: Stats
  readonly #timer: NodeJS.Timeout
  /** It was not there when it was looked for last: said once. */
  #moved = false
  /** Said once. */
  #openTwice = false

  /** @param path as SQLite opened it, absolute */
  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
    this.#opened = statSync(path)
    this.#timer = setInterval(() => this.#look(), EVERY).unref()
    this.#look()
  }

  /** Rejects with UnavailableError while another file, or none, stands under its path; the log says so, too, once. */
  async check(): Promise<void> {
    const now = await stat(this.#path).catch(() => undefined)
    const moved = now?.dev !== this.#opened.dev || now.ino !== this.#opened.ino
    const error = new UnavailableError(
      `The database file ${this.#path} was removed or replaced while it is open: what is written now will be lost. Move the file back, or stop the server and restore a backup.`,
    )
    if (moved && !this.#moved) this.#logger.error({}, error.message)
    this.#moved = moved
    if (moved) throw error
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Of a file that was replaced the index may be mapped twice by one copy. */
  #look(): void {
    void this.check().then(
      () => this.#lookForCopies(),
      () => {},
    )
  }

  async #lookForCopies(): Promise<void> {
    if (this.#openTwice || !(await isOpenTwice(this.#path))) return
    this.#openTwice = true
    this.#logger.error(
      {},
      `Another copy of SQLite in this process (such as that of sqlite3, libsql or node:sqlite) has the database ${this.#path} open, too: their locks do not hold ` +
        'against each other, and what either stores is lost. Let all of this process open it with the better-sqlite3 that Belfry has, or give Belfry a database file of its own.',
    )
  }
}
