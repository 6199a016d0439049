import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ejs from 'ejs'
import type { Response } from 'express'
import type { PageLocals } from './context.js'
import { asset, versionOf } from './files.js'

const VIEWS = fileURLToPath(new URL('../../views/app/', import.meta.url))

/** Minified where it was built, else as it was written. */
const STYLES = ['/build/app.css', '/app.css']

const compiled = new Map<string, ejs.TemplateFunction>()
// All of them as soon as this is loaded: an install under the running app takes them away, and then brings those of other code.
const texts = new Map(readdirSync(VIEWS).map((file) => [file, readFileSync(`${VIEWS}${file}`, 'utf8')]))

/** Answers with a view inside the layout. */
export async function page(res: Response, view: string, locals: PageLocals, status = 200): Promise<void> {
  const { notifications, me } = res.locals
  const body = render(view, { ...locals, me: me ?? null, asset })
  const head = (notifications?.head() ?? '') + (locals.head ?? '')
  const html = layout(res, { title: locals.title, current: locals.current ?? '', head, body })
  // Going back, browsers show what they have kept in spite of no-cache. What varies with everything they ask for again.
  const again = me && status === 200 && res.req.method === 'GET'
  res
    .status(status)
    .vary(again ? '*' : 'Accept')
    .type('html')
    .send(html)
}

/** The app's frame around a page, its own or the plugin's. */
export function layout(
  res: Response,
  parts: { readonly title: string; readonly current: string; readonly head: string; readonly body: string },
): string {
  const { notifications, me } = res.locals
  return render('layout', { ...parts, user: me ?? null, notifications, appStyles: asset(STYLES.find((path) => versionOf(path) !== '') ?? '') })
}

/** Fills a view. What it includes sees its locals, too; EJS's own `include` asks the disk for each. */
function render(view: string, locals: object): string {
  const template = compiled.get(view) ?? compile(view)
  compiled.set(view, template)
  return template({ ...locals, include: (partial: string, more?: object) => render(partial, { ...locals, ...more }) })
}

function compile(view: string): ejs.TemplateFunction {
  const file = `${view}.ejs`
  const text = texts.get(file)
  if (text === undefined) throw new Error(`There is no view ${view}.`)
  return ejs.compile(text, { filename: `${VIEWS}${file}` })
}
