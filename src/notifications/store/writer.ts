import type { Database, Transaction } from 'better-sqlite3'
import { BelfryError, UnavailableError } from '../errors.js'
import { asFailure, backoff, isBusy, Patience } from './failures.js'
import { PORTION } from './portion.js'

interface Op {
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
  /** When it was asked for, by performance.now(). */
  readonly began: number
}

type Outcome = (op: Op) => void

/** After a transaction that took longer, in milliseconds, the writer rests. Mostly it is the commit that took so long, as the disk is slow or busy. */
const SLOW = 20
/** The writer rests for this share of the time that the transaction took, */
const REST = 1 / 2
/** but at most for so long, in milliseconds. */
const LONGEST_REST = 25

/**
 * The one way to write. Operations that are asked for in the same turn of the event loop share a transaction, since syncing the disk is
 * what a commit costs; one that fails takes none of the others with it. A locked database is tried again without holding the loop.
 */
export class Writer {
  readonly #db: Database
  readonly #committed: () => void
  readonly #settled: (began: number, failed: boolean) => void
  readonly #patience: Patience
  readonly #transaction: Transaction<(batch: readonly Op[]) => Outcome[]>
  #queue: Op[] = []
  /** How many at the head of the queue the transaction that runs, or ran last, has begun. */
  #begun = 0
  /** How many at the head of the queue were in a transaction that failed, and are now tried one by one. */
  #suspects = 0
  #attempt = 0
  #planned = false
  /** Until when the others have the event loop, by performance.now(). */
  #restsUntil = 0
  #idle: (() => void)[] = []

  /**
   * @param committed called after each commit, before the promises of its operations resolve; must not throw
   * @param settled called for each operation, with when it was asked for, and whether the database failed it
   */
  constructor(db: Database, committed: () => void, settled: (began: number, failed: boolean) => void, patience = new Patience()) {
    this.#db = db
    this.#committed = committed
    this.#settled = settled
    this.#patience = patience
    this.#transaction = db.transaction((batch) => this.#runAll(batch))
  }

  /**
   * Runs `run` inside a write transaction and resolves when that is durable. `run` may be called again from the start, so it touches nothing
   * but the database. It throws a BelfryError only before it has changed anything; any other error undoes what it did. Rejects with
   * UnavailableError when the database stays locked or fails.
   */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run, resolve: resolve as (value: unknown) => void, reject, began: performance.now() })
      this.#plan(0)
    })
  }

  /** Resolves when nothing waits to be written. */
  idle(): Promise<void> {
    return this.#queue.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  #plan(delay: number): void {
    if (this.#planned) return
    this.#planned = true
    const flush = () => {
      this.#planned = false
      this.#flush()
    }
    const wait = Math.max(delay, this.#restsUntil - performance.now())
    if (wait <= 0) setImmediate(flush)
    else setTimeout(flush, wait)
  }

  #flush(): void {
    let delay = 0
    try {
      // Only a handle that is shared with the host can be in a transaction here: its own, which is not ours to join.
      if (this.#db.inTransaction) throw new UnavailableError('The database is busy: a transaction was left open.')
      this.#commit(this.#suspects > 0 ? this.#queue.slice(0, 1) : this.#queue)
      this.#attempt = 0
    } catch (error) {
      if (error instanceof UnavailableError || isBusy(error)) {
        delay = backoff(this.#attempt++)
        this.#dismissLate(error)
      } else if (this.#suspects === 0 && this.#begun > 1) this.#suspects = this.#begun
      else this.#settle(1, [({ reject }) => reject(asFailure(error))], true)
    }
    if (this.#queue.length > 0) this.#plan(delay)
    else for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Throws, with nothing changed, where the transaction as a whole fails. */
  #commit(batch: readonly Op[]): void {
    const began = performance.now()
    this.#begun = 0
    const outcomes = this.#transaction.immediate(batch)
    this.#rest(performance.now() - began)
    this.#committed()
    this.#settle(outcomes.length, outcomes)
  }

  /** In a turn of the event loop Node lets in one connection, so with a slow commit in each of them a hundred who come back would wait for a hundred commits. */
  #rest(took: number): void {
    if (took > SLOW) this.#restsUntil = performance.now() + Math.min(LONGEST_REST, took * REST)
  }

  #settle(count: number, outcomes: readonly Outcome[], failed = false): void {
    const done = this.#queue.splice(0, count)
    this.#suspects = Math.max(0, this.#suspects - count)
    done.forEach((op, index) => {
      outcomes[index]?.(op)
      this.#settled(op.began, failed)
    })
  }

  /** What is to be told to each that was run, which may be fewer than were asked for. */
  #runAll(batch: readonly Op[]): Outcome[] {
    const outcomes: Outcome[] = []
    const until = performance.now() + PORTION
    for (const op of batch) {
      this.#begun++
      outcomes.push(this.#run(op))
      if (performance.now() > until) break
    }
    return outcomes
  }

  /** No savepoint for each: copying every page that is touched would cost more than all the rest. */
  #run(op: Op): Outcome {
    try {
      const value = op.run()
      return ({ resolve }) => resolve(value)
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error
      return ({ reject }) => reject(error)
    }
  }

  /** Whoever has waited too long is told; the others go on waiting. */
  #dismissLate(error: unknown): void {
    const late = new Set(this.#queue.filter((op) => this.#patience.isOver(op.began)))
    if (late.size === 0) return
    this.#queue = this.#queue.filter((op) => !late.has(op))
    this.#suspects = 0
    for (const op of late) {
      op.reject(asFailure(error))
      this.#settled(op.began, true)
    }
  }
}
