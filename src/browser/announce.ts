import type { Item } from '../notifications/protocol.js'
import type { Say } from './messages.js'

/** After a first announcement, further ones wait until it has been quiet for so long; in milliseconds. */
const QUIET = 3000

/**
 * Tells a screen reader of increases, and only of them: the first at once, the rest of a burst together when it is over.
 * @param call told as often what arrived, in words, where something is known to have: the one that it was, or nothing where there were several
 */
export function createAnnouncer(
  say: Say,
  announce: (words: string) => void,
  call: (words: string, one?: Item) => void,
): (unread: number, arrived: Item | undefined, marked: boolean) => void {
  let shown: number | undefined
  let fresh = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let item: Item | undefined
  const speak = () => {
    const one = fresh === 1 ? item : undefined
    const what = one ? say('arrivedTitle', 1, one.title) : say('arrived', fresh)
    announce(`${what}. ${say('unreadCount', shown)}`)
    if (item) call(what, one)
    fresh = 0
    item = undefined
  }
  const quiet = () => {
    timer = undefined
    if (fresh > 0) speak()
  }
  return (unread, arrived, marked) => {
    const more = unread - (shown ?? unread)
    shown = unread
    if (more <= 0 || marked) return
    item = arrived ?? item
    fresh += more
    if (!timer) speak()
    clearTimeout(timer)
    timer = setTimeout(quiet, QUIET)
  }
}
