import { write } from './dom.js'
import { groupByDay } from './rows.js'
import { createClock } from './time.js'

/** What was written as so long ago grows old, in milliseconds. */
const CLOCK_EVERY = 30_000

const clock = createClock(document.documentElement.lang || 'en')

/** What the server wrote says its language. */
const SERVERS = '[data-belfry-latest] time[lang]'

/** Lists are swapped and morphed, by themselves or with the page around them, and this script is not run again. Looks only where something changed: the page may be large, and change often. */
const swapped = new MutationObserver((changes) => {
  if (changes.some(({ type, target }) => type === 'attributes' || (target as Element).querySelector(SERVERS))) tellTime()
})

/** Short lists on pages of the host's: their times in the zone and the words of whoever reads, where the server knows neither. */
function tellTime(): void {
  for (const list of document.querySelectorAll('[data-belfry-latest]')) {
    for (const time of list.querySelectorAll<HTMLTimeElement>('[data-slot=time]')) clock.show(time, true)
    const heading = document.createElement('template')
    heading.content.append(list.querySelector('[data-day]')?.cloneNode(true) ?? '')
    groupByDay(list, heading, { clock, kit: { write } })
  }
  swapped.takeRecords()
}

setInterval(tellTime, CLOCK_EVERY)
swapped.observe(document, { attributeFilter: ['lang'], childList: true, subtree: true })
tellTime()
