/** Moments on the server's clock, as the pages of administration tell them: on that of whoever reads, and the server's in the title. */

const clock = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' },
  timeZoneName: 'short',
})

for (const time of document.querySelectorAll<HTMLTimeElement>('time[data-clock]')) {
  const here = clock.format(new Date(time.dateTime))
  if (time.textContent === here) continue
  time.title = time.textContent ?? ''
  time.textContent = here
}

export {}
