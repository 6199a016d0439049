/**
 * Reads a moment that a person or a script gave: `datetime-local` text such as `2030-01-31T09:00`, which is the time on
 * the wall in `zone`, or ISO 8601 with an offset, where the zone doesn't matter. Null for anything else, a 31st of June included.
 * A time that the clocks skip counts from before the change (02:30 becomes 03:30); of one that comes twice, the first is meant.
 */
export function parseMoment(text: string, zone: string): Date | null {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?$/.exec(text.trim())
  if (parts === null) return null
  const [, day, clock, offset] = parts
  const wall = Date.parse(`${day}T${clock}Z`)
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 10) !== day) return null
  if (offset === undefined) return new Date(wall - offsetAt(wall, zone))
  const moment = new Date(`${day}T${clock}${offset}`)
  return Number.isNaN(moment.getTime()) ? null : moment
}

/** Whether this is the name of a time zone, such as `Europe/Vienna` or `UTC`. */
export function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** The zone of this machine; UTC where its `TZ` is none that has a name, such as the path of a file. */
export function serverTimeZone(): string {
  const { timeZone }: { timeZone?: string } = new Intl.DateTimeFormat().resolvedOptions()
  return timeZone !== undefined && isTimeZone(timeZone) ? timeZone : 'UTC'
}

const HOURS_24 = 86_400_000

/** By how much the wall clock of a zone is ahead of UTC, in milliseconds, when it shows `wall` (written as if it were UTC). */
function offsetAt(wall: number, zone: string): number {
  const before = offsetOf(wall - HOURS_24, zone)
  const after = offsetOf(wall + HOURS_24, zone)
  const fits = [before, after].find((offset) => offsetOf(wall - offset, zone) === offset)
  return fits ?? before
}

function offsetOf(moment: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset', era: 'short' }).formatToParts(moment)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes, seconds] = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name) ?? []
  const size = (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000
  return sign === '-' ? -size : size
}
