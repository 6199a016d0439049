import type { Say } from './messages.js'

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** What is needed of a `<time>`. */
interface TimeElement {
  textContent: string | null
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
}

/** Times in the words of the page's language, in the zone of whoever reads; what the server wrote stays where Intl fails. */
export interface Clock {
  /** Writes a `<time>` as how long ago it is; the exact time goes into its title. */
  show(time: TimeElement): void
  /** The day of a moment where the reader is, and what its heading says. */
  dayOf(iso: string): { key: string; words: string }
}

export function createClock(language: string, say: Say, now: () => number = Date.now): Clock {
  const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' })
  const wall = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' })
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long' })
  const keyOf = (date: Date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
  return {
    show(time) {
      const date = new Date(time.getAttribute('datetime') ?? '')
      const seconds = Math.round((date.getTime() - now()) / 1000)
      if (Number.isNaN(seconds)) return
      const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
      const words = unit === 'day' ? wall.format(date) : unit === 'second' ? ago.format(0, unit) : ago.format(Math.trunc(seconds / size), unit)
      if (time.textContent !== words) time.textContent = words
      time.setAttribute('title', exact.format(date))
    },
    dayOf(iso) {
      const date = new Date(iso)
      const key = keyOf(date)
      const words = key === keyOf(new Date(now())) ? say('today') : key === keyOf(new Date(now() - 86_400_000)) ? say('yesterday') : day.format(date)
      return { key, words }
    },
  }
}
