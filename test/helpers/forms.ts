/** What a person without scripts would send with the form of this action: name → value of everything that is filled in, as it stands. */
export function formValues(html: string, action: string): Record<string, string> {
  const form = html
    .match(/<form[^>]*>[\s\S]*?<\/form>/g)
    ?.find((text) => attribute(text, 'action') === action && attribute(text, 'method') === 'post')
  if (form === undefined) throw new Error(`There is no form for ${action} on the page.`)
  const values: Record<string, string> = {}
  for (const [tag, name, attributes = ''] of form.matchAll(/<(input|textarea|select)\b([^>]*)>/g)) {
    const field = attribute(tag, 'name')
    const unchecked = /type="(radio|checkbox)"/.test(attributes) && !/\schecked\b/.test(attributes)
    if (field === undefined || unchecked) continue
    const rest = form.slice(form.indexOf(tag) + tag.length)
    values[field] = name === 'input' ? (attribute(tag, 'value') ?? '') : name === 'textarea' ? written(rest) : selected(rest)
  }
  return values
}

/** What a page says of each wrong field, found as a screen reader does: from the control by aria-describedby. */
export function fieldErrors(html: string): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const [tag] of html.matchAll(/<[a-z]+\b[^>]*aria-invalid="true"[^>]*>/g)) {
    const ids = (attribute(tag, 'aria-describedby') ?? '').split(' ')
    const said = ids.map((id) =>
      new RegExp(`id="${id}"[^>]*class="[^"]*(?:error)[^"]*"[^>]*>([^<]*)<|class="[^"]*error[^"]*"[^>]*id="${id}"[^>]*>([^<]*)<`).exec(html),
    )
    const message = said.map((match) => match?.[1] ?? match?.[2]).find((text) => text !== undefined)
    errors[attribute(tag, 'name') ?? (attribute(tag, 'id') ?? '').replace('field-', '')] = decode(message ?? 'NOT TIED TO A MESSAGE')
  }
  return errors
}

function written(rest: string): string {
  return decode(rest.slice(0, rest.indexOf('</textarea>')).replace(/^\r?\n/, ''))
}

function selected(rest: string): string {
  const options = rest.slice(0, rest.indexOf('</select>')).match(/<option[^>]*>/g) ?? []
  const chosen = options.find((tag) => /\sselected\b/.test(tag)) ?? options[0] ?? ''
  return attribute(chosen, 'value') ?? ''
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : decode(value)
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|(amp|lt|gt|quot));/g, (_, code, name) => {
    return code === undefined ? ({ amp: '&', lt: '<', gt: '>', quot: '"' }[name as string] ?? '') : String.fromCodePoint(Number(code))
  })
}
