import type { SessionData } from 'express-session'
import { REMEMBERED } from '../hub/recent-endings.js'

interface Saved {
  readonly session: SessionData
  /** By performance.now(). */
  readonly at: number
}

/** The sessions that were saved while connections were being let in, which may be theirs: nobody watches those yet. */
export class SavedMeanwhile {
  /** By key, in the order in which they were saved last. */
  readonly #saved = new Map<string, Saved>()
  #arriving = 0

  /** A connection is being let in; returns what is to be called when it is, or was refused. */
  arriving(): () => void {
    this.#arriving++
    return () => {
      if (--this.#arriving === 0) this.#saved.clear()
    }
  }

  /** Whether what is saved now may be asked for. */
  get matters(): boolean {
    return this.#arriving > 0
  }

  note(key: string, session: SessionData): void {
    if (!this.matters) return
    const at = performance.now()
    this.#saved.delete(key)
    this.#saved.set(key, { session, at })
    for (const [oldest, saved] of this.#saved) {
      if (at - saved.at < REMEMBERED) break
      this.#saved.delete(oldest)
    }
  }

  /** As it was saved last, where that was no earlier than then, by performance.now(). */
  since(key: string, then: number): SessionData | undefined {
    const saved = this.#saved.get(key)
    return saved !== undefined && saved.at >= then ? saved.session : undefined
  }
}
