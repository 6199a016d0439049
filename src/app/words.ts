import { serverTimeZone } from './zoned-time.js'

/** `1 person`, `42 people`. */
export function people(count: number): string {
  return count === 1 ? '1 person' : `${number(count)} people`
}

/** With separators, as in 12,345. */
export function number(count: number): string {
  return count.toLocaleString('en')
}

const timeZone = serverTimeZone()
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone })
const clock = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' },
  ...{ timeZoneName: 'short', timeZone },
})

/** What the pages of the administration say things with. */
export const words = {
  people,
  number,
  /** A moment on the server's clock, zone included. */
  clock: (at: Date) => clock.format(at),
  day: (at: Date) => day.format(at),
}
