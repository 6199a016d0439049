import type { Request, Response } from 'express'
import type { ListQuery } from '../cursors.js'
import { OptionError } from '../errors.js'
import type { PageParts } from '../options.js'
import { badgeText, type Item } from '../protocol.js'
import type { ItemPage } from '../service.js'
import type { AssetName } from './assets.js'
import { headHtml, type PageNotifications, present } from './bell.js'
import type { HttpContext } from './context.js'
import { wordsFor } from './language.js'
import type { Problem } from './problem.js'
import { render } from './templates.js'
import { userMark } from './user-marks.js'
import { inboxView, itemView } from './view.js'
import type { Visit } from './visit.js'
import type { Words } from './words.js'

/** The host's own layout failed: its error, not ours. */
export class LayoutError extends Error {
  constructor(cause: unknown) {
    super('The layout of the host failed.', { cause })
  }
}

/** A copy of a page that was alive does nothing: Turbo, which shows copies first, is to fetch these anew. */
const NOT_KEPT = '<meta name="turbo-cache-control" content="no-cache">'

interface PageContent {
  readonly words: Words
  readonly title: string
  readonly view: string
  readonly data: object
  readonly scripts?: readonly AssetName[]
}

export async function inboxPage(context: HttpContext, req: Request, res: Response, visit: Visit, query: ListQuery, page: ItemPage): Promise<void> {
  present(res, context, { ...visit, state: page })
  const { epoch, version } = page
  const words = wordsFor(context.options, req)
  const data = { ...inboxView(context.options.basePath, words, query, page), epoch, version, mark: userMark(visit.person.id) }
  await send(context, req, res, { words, title: words.bell, view: 'inbox', data, scripts: ['belfry.js', 'inbox.js'] })
}

export async function itemPage(context: HttpContext, req: Request, res: Response, visit: Visit, item: Item): Promise<void> {
  present(res, context, visit)
  const words = wordsFor(context.options, req)
  const data = { ...itemView(context.options.basePath, words, item), ...visit.state, mark: userMark(visit.person.id) }
  // Never the bare text: one that begins with '(3) ' would pass for the count.
  await send(context, req, res, { words, title: words.titleOf(item.title), view: 'item', data, scripts: ['belfry.js', 'item.js'] })
}

export async function preferencesPage(context: HttpContext, req: Request, res: Response, visit: Visit): Promise<void> {
  present(res, context, visit)
  const words = wordsFor(context.options, req)
  const data = { words, basePath: context.options.basePath }
  await send(context, req, res, { words, title: words.choices.title, view: 'preferences', data, scripts: ['belfry.js', 'preferences-page.js'] })
}

export async function errorPage(context: HttpContext, req: Request, res: Response, problem: Problem): Promise<void> {
  res.status(problem.status)
  if (res.locals.notifications === undefined) present(res, context, null)
  const words = wordsFor(context.options, req)
  const title = words.titles[problem.status] ?? problem.title
  await send(context, req, res, { words, title, view: 'error', data: { words, title, problem, basePath: context.options.basePath } })
}

async function send({ options }: HttpContext, req: Request, res: Response, { words, title, view, data, scripts }: PageContent): Promise<void> {
  const body = render(view, { ...data, signIn: options.signInPath !== undefined })
  const head = `${headHtml(options.basePath, scripts)}\n${NOT_KEPT}`
  const frame = options.layout ?? ((parts) => plainLayout(words, parts))
  let html: string
  try {
    html = await frame({ title, head, body, req, res })
    if (typeof html !== 'string') throw new OptionError('The option layout must answer HTML, a string.')
  } catch (error) {
    throw new LayoutError(error)
  }
  askAgain(req, res)
  res.type('html').send(html)
}

/** Going back, browsers show what they have kept in spite of `no-cache`, with the count of before. What varies with everything they ask for again. */
function askAgain({ method }: Request, res: Response): void {
  if (method === 'GET' && res.statusCode === 200) res.vary('*')
}

/** The frame of hosts that give none of their own. */
function plainLayout(words: Words, { title, head, body, res }: PageParts): string {
  const shown: PageNotifications | undefined = res.locals.notifications
  return render('layout', { words, title, head, body, badge: badgeText(shown?.unread ?? 0), bell: shown?.bell() ?? '' })
}
