import type { State } from '../notifications/protocol.js'

/** What asking the server told: it answered, nobody is signed in (any more), or it can't be reached or is out of order. */
export type Answer = 'ok' | 'signed-out' | 'down'

/** Longer than this no answer is waited for, in milliseconds. */
const ANSWER_WITHIN = 10_000

/** Thrown by `request`: `status` is that of the answer, 0 when there was none. */
export class RequestError extends Error {
  constructor(readonly status: number) {
    super(`The server answered ${status}.`)
  }
}

/** Asks as a script of the same site; resolves with the JSON of a 2xx answer, throws RequestError for everything else. */
export async function request(url: string, init: RequestInit = {}): Promise<unknown> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN)
  const headers = { accept: 'application/json' }
  const answer = await fetch(url, { cache: 'no-cache', redirect: 'error', ...init, headers, signal }).catch(() => undefined)
  if (!answer?.ok) throw new RequestError(answer?.status ?? 0)
  return answer.json().catch(() => {
    throw new RequestError(0)
  })
}

/** Asks once for the state. The browser's cache revalidates with the ETag, so an unchanged state costs a 304. */
export async function poll(url: string, offer: (state: State) => void): Promise<Answer> {
  try {
    offer((await request(url)) as State)
    return 'ok'
  } catch (error) {
    return (error as RequestError).status === 401 ? 'signed-out' : 'down'
  }
}
