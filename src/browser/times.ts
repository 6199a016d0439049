import { write } from './dom.js'
import { groupByDay } from './rows.js'
import { createClock } from './time.js'

/** What was written as so long ago grows old, in milliseconds. */
const CLOCK_EVERY = 30_000

const clock = createClock(document.documentElement.lang || 'en')

/** Short lists on pages of the host's: their times in the zone and the words of whoever reads, where the server knows neither. */
function tellTime(): void {
  for (const list of document.querySelectorAll('[data-belfry-latest]')) {
    for (const time of list.querySelectorAll<HTMLTimeElement>('[data-slot=time]')) clock.show(time, true)
    const heading = document.createElement('template')
    heading.content.append(list.querySelector('[data-day]')?.cloneNode(true) ?? '')
    groupByDay(list, heading, { clock, kit: { write } })
  }
}

setInterval(tellTime, CLOCK_EVERY)
// A page that is swapped for another one has a new bell, which says so; the script is not run again.
document.addEventListener('belfry-change', tellTime)
tellTime()
