import { type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { UnavailableError } from '../errors.js'
import type { Logger } from '../logger.js'

/** How often it is looked at, in milliseconds. */
const EVERY = 10_000

/**
 * The file of an open database. SQLite goes on without it when it is removed or another is put in its place, and says nothing; what is written then is
 * gone with the last process that has it open.
 */
export class OpenFile {
  readonly #path: string
  readonly #logger: Logger
  readonly #opened: Stats
  readonly #timer: NodeJS.Timeout
  /** It was not there when it was looked for last: said once. */
  #moved = false

  /** @param path as SQLite opened it, absolute */
  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
    this.#opened = statSync(path)
    this.#timer = setInterval(() => void this.check().catch(() => {}), EVERY).unref()
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
}
