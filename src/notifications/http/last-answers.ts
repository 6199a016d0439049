import { hash } from 'node:crypto'
import type { SessionData } from 'express-session'
import { Recent } from '../recent.js'
import { RECHECK } from './watched.js'

export interface Answer {
  /** What was in the session, by `contentOf`. */
  readonly content: string | undefined
  /** Whose it was, by the host; null where nobody's. */
  readonly user: string | null
  /** When that was asked, by performance.now(). */
  readonly asOf: number
}

const KEPT = 20_000

/** What the host has said of sessions that were saved: where it saves each after every request, most are as they were when it was asked last. */
export class LastAnswers {
  readonly #answers = new Recent<string, Answer>(KEPT)

  note(key: string, answer: Answer): void {
    this.#answers.set(key, answer)
  }

  /** Whether the host said the same of the same content last, and not too long ago: `identify` may look at more than the session. */
  hold(key: string, { content, user, asOf }: Answer): boolean {
    const last = this.#answers.get(key)
    return last !== undefined && content !== undefined && last.content === content && last.user === user && asOf - last.asOf < RECHECK
  }
}

/** Stands for what is in a session, but for its cookie, whose deadline moves with every request; undefined where it cannot be told. */
export function contentOf(session: Pick<SessionData, 'cookie'>): string | undefined {
  try {
    return hash('sha256', JSON.stringify({ ...session, cookie: undefined }), 'base64url')
  } catch {
    // A store of the host's may take what JSON does not: a BigInt, or what contains itself.
    return undefined
  }
}
