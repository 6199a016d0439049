const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 0],
] as const

/** What is needed of a `<time>`. */
interface TimeElement {
  readonly dateTime: string
  textContent: string | null
  title: string
  removeAttribute(name: string): void
}

/** Times in the words of the page's language, in the zone of whoever reads; what the server wrote stays where Intl fails. */
export interface Clock {
  /** Writes a `<time>` as how long ago it is, below the heading of its day or without one; the exact time goes into its title. */
  show(time: TimeElement, headed: boolean): void
  /** The day of a moment where the reader is, as 2026-11-23 and in words. */
  dayOf(iso: string): { key: string; words: string }
}

export function createClock(language: string, now: () => number = Date.now): Clock {
  const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, options)
  const exact = format({ dateStyle: 'long', timeStyle: 'short' })
  const wall = format({ hour: '2-digit', minute: '2-digit' })
  const day = format({ dateStyle: 'long' })
  // Swedish days are written as in ISO 8601.
  const keyOf = (date: Date) => date.toLocaleDateString('sv')
  const dayOf = (date: Date) => {
    const days = (Date.parse(keyOf(new Date(now()))) - Date.parse(keyOf(date))) / 86_400_000
    const words = days === 0 || days === 1 ? ago.format(-days, 'day') : day.format(date)
    return words.replace(/^./, (first) => first.toLocaleUpperCase(language))
  }
  return {
    show(time, headed) {
      const date = new Date(time.dateTime)
      const seconds = Math.round((+date - now()) / 1000)
      const found = UNITS.find(([, size]) => Math.abs(seconds) >= size)
      if (!found) return
      const [unit, size] = found
      const old = () => (headed ? wall.format(date) : dayOf(date))
      const words = unit === 'day' ? old() : ago.format(size && Math.trunc(seconds / size), unit)
      if (time.textContent !== words) time.textContent = words
      time.title = exact.format(date)
      time.removeAttribute('lang')
    },
    dayOf(iso) {
      const date = new Date(iso)
      return { key: keyOf(date), words: dayOf(date) }
    },
  }
}
