import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ejs from 'ejs'

const FOLDER = fileURLToPath(new URL('../../../views/notifications/', import.meta.url))
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const compiled = new Map<string, ejs.TemplateFunction>()

/** Text as it may stand in HTML, between tags or in a quoted attribute. */
export function escapeHtml(value: unknown): string {
  return value === null || value === undefined ? '' : String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** Fills one of the plugin's own templates. The host's view engine and settings have no part in it. */
export function render(view: string, data: object): string {
  const template = compiled.get(view) ?? compile(view)
  compiled.set(view, template)
  return template(data)
}

function compile(view: string): ejs.TemplateFunction {
  const filename = `${FOLDER}${view}.ejs`
  return ejs.compile(readFileSync(filename, 'utf8'), { filename, escape: escapeHtml, cache: true })
}
