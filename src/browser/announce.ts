import type { Item } from '../notifications/protocol.js'
import type { NotificationBell } from './bell.js'
import { callFor } from './beyond.js'

/** After a first announcement, further ones wait until it has been quiet for so long; in milliseconds. */
const QUIET = 3000
/** In what never falls quiet no longer than so long, either. */
const LONGEST = 30_000

/**
 * Tells a screen reader of increases, and only of them: the first at once, the rest of a burst together when it is over, or has gone on for long.
 * Calls as often, where something is known to have arrived. What it returns takes NaN where nobody is signed in.
 */
export function createAnnouncer(bell: NotificationBell): (unread: number, arrived: Item | undefined, marked: boolean) => void {
  const { say, client } = bell
  let shown: number | undefined
  let fresh = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let item: Item | undefined
  let spoke = 0
  const speak = () => {
    const one = fresh === 1 ? item : undefined
    const what = one ? say('arrivedTitle', 1, one.title) : say('arrived', fresh)
    bell.announce(`${what}. ${say('unreadCount', shown)}`)
    if (item) void callFor(client, what, one)
    fresh = 0
    item = undefined
    spoke = performance.now()
  }
  const quiet = () => {
    timer = undefined
    if (fresh) speak()
  }
  return (unread, arrived, marked) => {
    const more = unread - (shown ?? unread)
    shown = unread
    // All of it was read meanwhile; or it is not for whoever sits there now.
    if (!unread) fresh = 0
    if (!(more > 0) || marked) return
    item = arrived ?? item
    fresh += more
    if (!timer || performance.now() - spoke > LONGEST) speak()
    clearTimeout(timer)
    timer = setTimeout(quiet, QUIET)
  }
}
