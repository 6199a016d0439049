import { enliven } from './own-bell.js'
import { type Preferences, prefer, preferences } from './preferences.js'
import { besides } from './scripts.js'

enliven('[data-belfry-preferences] form', (form) => offer(form as HTMLFormElement))

/** The choices of this browser. Whether the desktop may be used is asked only on a click, after saying what for: a refusal is final. */
function offer(form: HTMLFormElement): void {
  const box = (name: keyof Preferences) => form.elements.namedItem(name) as HTMLInputElement
  const explain = form.querySelector<HTMLElement>('[data-belfry-explain]')
  const refused = form.querySelector<HTMLElement>('[data-belfry-refused]')
  const permission = () => ('Notification' in window ? Notification.permission : 'denied')
  const show = (asking: boolean) => {
    const chosen = preferences()
    box('desktop').checked = asking || (chosen.desktop && permission() === 'granted')
    box('sound').checked = chosen.sound
    box('keys').checked = chosen.keys
    if (explain) explain.hidden = !asking
    if (refused) refused.hidden = permission() !== 'denied'
    box('desktop').disabled = permission() === 'denied'
  }
  form.addEventListener('change', ({ target }) => {
    const { name, checked } = target as HTMLInputElement
    const asking = name === 'desktop' && checked && permission() === 'default'
    if (!asking) prefer({ ...preferences(), [name]: checked })
    show(asking)
  })
  form.addEventListener('click', async ({ target }) => {
    const { name } = target as HTMLButtonElement
    if (name === 'try') ((await besides('call')) as typeof import('./call.js')).ring()
    if (name !== 'ask') return
    const desktop = (await Notification.requestPermission()) === 'granted'
    prefer({ ...preferences(), desktop })
    show(false)
    // What is disabled takes no focus; what was said about it does, and is read out.
    ;(box('desktop').disabled ? refused : box('desktop'))?.focus()
  })
  show(false)
  form.hidden = false
}
