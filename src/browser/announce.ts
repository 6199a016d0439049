import type { Item } from '../notifications/protocol.js'
import type { Say } from './messages.js'

/** After a first announcement, further ones wait until it has been quiet for so long; in milliseconds. */
const QUIET = 3000

/** Tells a screen reader of increases, and only of them: the first at once, the rest of a burst together when it is over. */
export function createAnnouncer(announce: (words: string) => void, say: Say): (unread: number, arrived: Item | undefined, marked: boolean) => void {
  let shown: number | undefined
  let fresh = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let item: Item | undefined
  const speak = () => {
    const what = fresh === 1 && item ? say('arrivedTitle', 1, item.title) : say('arrived', fresh)
    announce(`${what}. ${say('unreadCount', shown)}`)
    fresh = 0
  }
  const quiet = () => {
    timer = undefined
    if (fresh > 0) speak()
  }
  return (unread, arrived, marked) => {
    const more = unread - (shown ?? unread)
    shown = unread
    if (more <= 0 || marked) return
    item = arrived
    fresh += more
    if (!timer) speak()
    clearTimeout(timer)
    timer = setTimeout(quiet, QUIET)
  }
}
