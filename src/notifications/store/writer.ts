import type { Database } from 'better-sqlite3'
import { BelfryError, UnavailableError } from '../errors.js'
import { asFailure, backoff, isBusy, PATIENCE } from './failures.js'

interface Op {
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
  /** When patience ends, by performance.now(). */
  readonly deadline: number
}

/** How long one transaction may hold the event loop before the rest of the queue has to wait for the next, in milliseconds. */
const PORTION = 20

/**
 * The one way to write. Operations that are asked for in the same turn of the event loop share a transaction, since syncing the disk is what
 * a commit costs; one that fails takes none of the others with it. A locked database is tried again without holding the loop.
 */
export class Writer {
  readonly #db: Database
  readonly #committed: () => void
  #queue: Op[] = []
  #attempt = 0
  #planned = false
  #idle: (() => void)[] = []

  /** @param committed called after each commit, before the operations' promises resolve */
  constructor(db: Database, committed: () => void) {
    this.#db = db
    this.#committed = committed
  }

  /** Runs `run` inside a write transaction; it may be run again from the start, so it must touch nothing but the database. */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run, resolve: resolve as (value: unknown) => void, reject, deadline: performance.now() + PATIENCE })
      this.#plan()
    })
  }

  /** Resolves when nothing waits to be written. */
  idle(): Promise<void> {
    return this.#queue.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  #plan(delay = 0): void {
    if (this.#planned) return
    this.#planned = true
    const flush = () => {
      this.#planned = false
      this.#flush()
    }
    if (delay === 0) setImmediate(flush)
    else setTimeout(flush, delay)
  }

  #flush(): void {
    if (this.#db.inTransaction) return this.#wait(new UnavailableError('The database is busy with a transaction that is still open.'))
    const batch = this.#queue
    this.#queue = []
    try {
      this.#commit(batch)
      this.#attempt = 0
    } catch (error) {
      this.#queue = [...batch, ...this.#queue]
      if (!isBusy(error)) this.#fail(batch.length, error)
      else return this.#wait(error)
    }
    if (this.#queue.length > 0) return this.#plan()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Throws, with nothing done, where the transaction as a whole cannot be had. */
  #commit(batch: readonly Op[]): void {
    const settle: (() => void)[] = []
    let done = 0
    this.#transaction(() => {
      const until = performance.now() + PORTION
      for (const op of batch) {
        settle.push(this.#run(op))
        done++
        if (performance.now() > until) break
      }
    })
    this.#queue = [...batch.slice(done), ...this.#queue]
    this.#committed()
    for (const tell of settle) tell()
  }

  #run(op: Op): () => void {
    try {
      const value = this.#db.transaction(op.run)()
      return () => op.resolve(value)
    } catch (error) {
      if (!this.#db.inTransaction || !(error instanceof BelfryError)) throw error
      return () => op.reject(error)
    }
  }

  #transaction(body: () => void): void {
    this.#db.transaction(body).immediate()
  }

  #fail(count: number, error: unknown): void {
    for (const op of this.#queue.splice(0, count)) op.reject(asFailure(error))
  }

  /** Whoever has waited too long is told; the others go on waiting. */
  #wait(error: unknown): void {
    const now = performance.now()
    const [late, patient] = [this.#queue.filter((op) => op.deadline <= now), this.#queue.filter((op) => op.deadline > now)]
    this.#queue = patient
    for (const op of late) op.reject(asFailure(error))
    if (patient.length > 0) this.#plan(backoff(this.#attempt++))
    else for (const resolve of this.#idle.splice(0)) resolve()
  }
}
