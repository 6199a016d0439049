/**
 * What the compose form can do besides with scripts: it keeps what was typed across the sign-in, counts characters, says on its button how many people it reaches,
 * leads from an error to what is in sight, proposes the time zone of this browser, forgets a time that is not wanted after all, and on the way back to it sends nothing twice. Without it the form works the same.
 */

import { keepTyped } from './typed.js'

const number = new Intl.NumberFormat('en')

keepTyped(document.querySelector('form[data-compose]'))
for (const form of document.querySelectorAll<HTMLFormElement>('form[data-compose]')) {
  for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('[data-limit]')) countCharacters(field)
  proposeZone(form)
  keepKey(form)
  for (const box of form.querySelectorAll<HTMLInputElement>('[data-time]')) forgetTime(form, box)
  sayReach(form)
  leadInSight(form)
}

function countCharacters(field: HTMLInputElement | HTMLTextAreaElement): void {
  const hint = document.getElementById(`count-${field.name}`)
  if (hint === null) return
  const limit = Number(field.dataset.limit)
  const atFirst = hint.textContent
  const show = () => {
    // By code points and without what the server cuts off at both ends: as it counts.
    const count = [...field.value.replaceAll('\r\n', '\n').trim()].length
    hint.textContent = count === 0 ? atFirst : `${number.format(count)} of ${number.format(limit)} characters`
    hint.toggleAttribute('data-over', count > limit)
  }
  field.addEventListener('input', show)
  addEventListener('pageshow', show)
  show()
}

/** Only where nobody has chosen a time yet: what was typed for one zone must not move to another. */
function proposeZone(form: HTMLFormElement): void {
  const zone = form.querySelector<HTMLInputElement>('[data-server-zone]')
  const untouched = ['publishAt', 'expiresAt'].every((name) => form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value === '')
  if (zone === null || !untouched || zone.value !== zone.dataset.serverZone) return
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  if (timeZone && timeZone !== 'Etc/Unknown') zone.value = timeZone
}

/** Of a page that is fetched again on the way back the browser restores what was typed, but not the key that it was sent with. */
function keepKey(form: HTMLFormElement): void {
  const field = form.querySelector<HTMLInputElement>('[name=idempotencyKey]')
  if (field === null) return
  const { key } = (history.state ?? {}) as { readonly key?: string }
  if (key === undefined) history.replaceState({ key: field.value }, '')
  else field.value = key
}

function forgetTime(form: HTMLFormElement, box: HTMLInputElement): void {
  const time = form.querySelector<HTMLInputElement>(`[name=${box.dataset.time}]`)
  box.addEventListener('change', () => {
    if (time === null || box.checked) return
    // As long as it is one for times, WebKit keeps in it what was typed by half.
    time.type = 'text'
    time.value = ''
    time.type = 'datetime-local'
  })
}

function sayReach(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>('[data-send]')
  if (button === null) return
  const show = () => {
    const reached = reach(form)
    const words = reached === 0 ? 'Send' : `Send to ${reached === 1 ? '1 person' : `${number.format(reached)} people`}`
    if (button.textContent !== words) button.textContent = words
  }
  form.addEventListener('input', show)
  // The browser fills in again what was typed before, after this has run.
  addEventListener('pageshow', show)
  show()
}

/** Of a field that another choice has put out of sight since, the list of errors leads to the choices. */
function leadInSight(form: HTMLFormElement): void {
  document.getElementById('errors')?.addEventListener('click', (event) => {
    const { hash } = (event.target as Element).closest('a') ?? { hash: '' }
    const field = form.querySelector<HTMLElement>(`[id="${CSS.escape(hash.slice(1))}"]`)
    const choices = field?.offsetParent === null && field.closest<HTMLElement>('[data-chosen-in]')?.dataset.chosenIn
    if (!choices) return
    event.preventDefault()
    document.getElementById(choices)?.focus()
  })
}

function reach(form: HTMLFormElement): number {
  const data = new FormData(form)
  if (data.get('audience') === 'everyone') return Number(form.dataset.everyone)
  if (data.get('audience') === 'role') return Number(form.querySelector<HTMLOptionElement>('[name=role] option:checked')?.dataset.count ?? 0)
  // As the server reads them: `splitNames` in `app/compose.ts`.
  const names = String(data.get('recipients'))
    .toLowerCase()
    .replace(/[\u200b-\u200f\u2060\ufeff]/g, '')
    .split(/[\s,;|،、"“”<>]+/)
    .map((name) => name.replace(/^@/, ''))
  return new Set(names.filter((name) => name !== '')).size
}
