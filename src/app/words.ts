import { serverTimeZone } from './zoned-time.js'

/** `1 person`, `42 people`. */
export function people(count: number): string {
  return count === 1 ? '1 person' : `${number(count)} people`
}

/** What an error says, in one line, with the reason where it has one that it doesn't tell itself. */
export function withReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const reason = error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` The reason: ${error.cause.message}.` : ''
  return `${error.message}${reason}`.trim().replace(/\s*\n\s*/g, ' ')
}

/** With separators, as in 12,345. */
export function number(count: number): string {
  return count.toLocaleString('en')
}

const timeZone = serverTimeZone()
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone })
/** A moment on the clock of a zone: `1 Jul 2040, 12:00 GMT+5:30 (Asia/Kolkata)`. */
export function clockIn(at: Date, zone: string): string {
  const moment = clockOf(zone).format(at)
  return moment.endsWith(zone) ? moment : `${moment} (${zone})`
}

const clock = clockOf(timeZone)

function clockOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    ...{ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' },
    ...{ timeZoneName: 'short', timeZone },
  })
}

/** What the pages of the administration say things with. */
export const words = {
  people,
  number,
  /** A moment on the server's clock, zone included. */
  clock: (at: Date) => clock.format(at),
  day: (at: Date) => day.format(at),
}
