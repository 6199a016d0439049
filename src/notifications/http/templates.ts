import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ejs from 'ejs'

const FOLDER = fileURLToPath(new URL('../../../views/notifications/', import.meta.url))
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const SPECIAL = /[&<>"']/
const ALL_SPECIAL = /[&<>"']/g
/** The first line of each template: what it is given. */
const LOCALS = /^<%# locals: (.+) -%>\n/

const compiled = new Map<string, ejs.TemplateFunction>()
// All of them as soon as this is loaded: an install under a running process takes them away, and then brings those of other code.
const texts = new Map(readdirSync(FOLDER).map((file) => [file, readFileSync(`${FOLDER}${file}`, 'utf8')]))

/** Text as it may stand in HTML, between tags or in a quoted attribute. */
export function escapeHtml(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value)
  // Most have none, and looking for that is quicker than replacing nothing.
  return SPECIAL.test(text) ? text.replace(ALL_SPECIAL, (character) => ENTITIES[character] ?? '') : text
}

/**
 * Fills one of the plugin's own templates. The host's view engine and settings have no part in it.
 * Templates fill others by `this.render`, since EJS's `include` asks the disk for each.
 */
export function render(view: string, data: object): string {
  const template = compiled.get(view) ?? compile(view)
  compiled.set(view, template)
  return template(data)
}

/** Names are bound once, as EJS's own `with` would have each looked up where it is used. */
function compile(view: string): ejs.TemplateFunction {
  const file = `${view}.ejs`
  const text = texts.get(file)
  if (text === undefined) throw new Error(`There is no template ${view}.`)
  const destructuredLocals = LOCALS.exec(text)?.[1]?.split(', ') ?? []
  return ejs.compile(text, { filename: `${FOLDER}${file}`, escape: escapeHtml, strict: true, destructuredLocals, context: { render } })
}
