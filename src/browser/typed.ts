const KEY = 'belfry-typed'

interface Typed {
  readonly action: string
  /** Of every field, the hidden ones too: as whom it was written, and under which key. */
  readonly values: Readonly<Record<string, string>>
}

/**
 * What was typed into a form is kept in this tab from 'Send' on, as long as nothing but the sign-in comes of it: where the session had ended, the fresh form is
 * filled in with it, for the same person. Every other page that runs this forgets it.
 */
export function keepTyped(form: HTMLFormElement | null): void {
  const notice = document.getElementById('unsent')
  if (notice && form) fill(form, notice)
  if (form || !notice) forget()
  form?.addEventListener('submit', () => keep({ action: form.action, values: valuesOf(form) }))
}

function fill(form: HTMLFormElement, notice: HTMLElement): void {
  const { action, values } = kept()
  if (action !== form.action || values.signedInAs !== valuesOf(form).signedInAs) return
  for (const control of form.querySelectorAll<HTMLInputElement>('[name]')) {
    if (/^(radio|checkbox)$/.test(control.type)) control.checked = values[control.name] === control.value
    else control.value = values[control.name] ?? ''
  }
  notice.textContent = notice.dataset.restored ?? ''
  // From here on the browser restores it, on the way back to it: what is typed now must not be overwritten then.
  const address = new URL(location.href)
  address.searchParams.delete('unsent')
  history.replaceState(history.state, '', address)
}

function valuesOf(form: HTMLFormElement): Typed['values'] {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
}

function kept(): Typed {
  try {
    return JSON.parse(String(sessionStorage.getItem(KEY))) ?? NOTHING
  } catch {
    return NOTHING
  }
}

const NOTHING: Typed = { action: '', values: {} }

function keep(typed: Typed): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(typed))
  } catch {
    // Storage may be forbidden or full: then the way back in the browser is what is left.
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(KEY)
  } catch {
    // Where it is forbidden, nothing was kept.
  }
}
