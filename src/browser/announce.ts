import type { Say } from './messages.js'
import type { Snapshot } from './state.js'

/** After a first announcement, further ones wait until it has been quiet for so long; in milliseconds. */
const QUIET = 3000

/** Tells a screen reader of increases, and only of them: the first at once, the rest of a burst together when it is over. */
export function createAnnouncer(announce: (words: string) => void, say: Say): (snapshot: Snapshot) => void {
  let shown: number | undefined
  let fresh = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let latest: Snapshot
  const speak = () => {
    const { state, latest: item } = latest
    const what = fresh === 1 && item ? say('arrivedTitle', 1, item.title) : say('arrived', fresh)
    announce(`${what}. ${say('unreadCount', state?.unread)}`)
    fresh = 0
  }
  const quiet = () => {
    timer = undefined
    if (fresh > 0) speak()
  }
  return (snapshot) => {
    const unread = snapshot.state?.unread
    const more = (unread ?? 0) - (shown ?? unread ?? 0)
    latest = snapshot
    shown = unread
    if (more <= 0) return
    fresh += more
    if (!timer) speak()
    clearTimeout(timer)
    timer = setTimeout(quiet, QUIET)
  }
}
