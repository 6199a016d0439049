import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { UnavailableError } from '../errors.js'
import type { Metrics } from '../metrics.js'
import { asFailure, backoff, isBusy, Patience } from './failures.js'
import { Writer } from './writer.js'

/** Every way to the database: what fails is told as what it is and counted, and how long it took is measured. */
export class Access {
  readonly #writer: Writer
  readonly #metrics: Metrics
  readonly #patience = new Patience()
  #closed = false

  /** @param committed called after each commit; must not throw */
  constructor(db: Database, metrics: Metrics, committed: () => void) {
    this.#metrics = metrics
    const settled = (began: number, failed: boolean) => {
      this.#measure(began)
      if (failed) metrics.failed('write')
    }
    this.#writer = new Writer(db, committed, settled, this.#patience)
  }

  /** Reads at once. Rejects with UnavailableError where the database cannot be read; a lock is waited for without holding the loop. */
  read<T>(run: () => T): Promise<T> {
    const began = performance.now()
    try {
      const value = run()
      this.#measure(began)
      return Promise.resolve(value)
    } catch (error) {
      return this.#readAgain(run, began, error).finally(() => this.#measure(began))
    }
  }

  /** As Writer.write. */
  write<T>(run: () => T): Promise<T> {
    return this.#closed ? Promise.reject(closed()) : this.#writer.write(run)
  }

  /** From now on nothing waits for a lock for more than a second. */
  hurry(): void {
    this.#patience.hurry()
  }

  /** Takes nothing more, and finishes what was begun. */
  close(): Promise<void> {
    this.#closed = true
    return this.#writer.idle()
  }

  async #readAgain<T>(run: () => T, began: number, failure: unknown): Promise<T> {
    let error = failure
    for (let attempt = 0; isBusy(error) && !this.#patience.isOver(began); attempt++) {
      await pause(backoff(attempt))
      try {
        return run()
      } catch (again) {
        error = again
      }
    }
    if (this.#closed) throw closed()
    const told = asFailure(error)
    if (told instanceof UnavailableError) this.#metrics.failed('read')
    throw told
  }

  #measure(began: number): void {
    this.#metrics.stored((performance.now() - began) / 1000)
  }
}

function closed(): UnavailableError {
  return new UnavailableError('Notifications have been closed.')
}
