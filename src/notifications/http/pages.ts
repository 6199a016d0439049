import type { Request, Response } from 'express'
import type { ListQuery } from '../cursors.js'
import { OptionError } from '../errors.js'
import type { PageParts } from '../options.js'
import { badgeText, type Item } from '../protocol.js'
import type { ItemPage } from '../service.js'
import type { AssetName } from './assets.js'
import { headHtml, type PageNotifications, present } from './bell.js'
import type { HttpContext } from './context.js'
import type { Problem } from './problem.js'
import { render } from './templates.js'
import { userMark } from './user-marks.js'
import { inboxView, itemView } from './view.js'
import type { Visit } from './visit.js'

/** The host's own layout failed: its error, not ours. */
export class LayoutError extends Error {
  constructor(cause: unknown) {
    super('The layout of the host failed.', { cause })
  }
}

interface PageContent {
  readonly title: string
  readonly view: string
  readonly data: object
  readonly scripts?: readonly AssetName[]
}

export async function inboxPage(context: HttpContext, req: Request, res: Response, visit: Visit, query: ListQuery, page: ItemPage): Promise<void> {
  present(res, context, { ...visit, state: page })
  const { epoch, version } = page
  const data = { ...inboxView(context.options.basePath, query, page), epoch, version, mark: userMark(visit.person.id) }
  await send(context, req, res, { title: 'Notifications', view: 'inbox', data, scripts: ['belfry.js', 'inbox.js'] })
}

export async function itemPage(context: HttpContext, req: Request, res: Response, visit: Visit, item: Item): Promise<void> {
  present(res, context, visit)
  // Never the bare text: one that begins with '(3) ' would pass for the count.
  const data = { ...itemView(context.options.basePath, item), ...visit.state, mark: userMark(visit.person.id) }
  await send(context, req, res, { title: `Notification: ${item.title}`, view: 'item', data, scripts: ['belfry.js', 'item.js'] })
}

export async function preferencesPage(context: HttpContext, req: Request, res: Response, visit: Visit): Promise<void> {
  present(res, context, visit)
  const data = { basePath: context.options.basePath }
  await send(context, req, res, { title: 'Notification preferences', view: 'preferences', data, scripts: ['belfry.js', 'preferences-page.js'] })
}

export async function errorPage(context: HttpContext, req: Request, res: Response, problem: Problem): Promise<void> {
  res.status(problem.status)
  if (res.locals.notifications === undefined) present(res, context, null)
  await send(context, req, res, { title: problem.title, view: 'error', data: { problem, basePath: context.options.basePath } })
}

async function send({ options }: HttpContext, req: Request, res: Response, { title, view, data, scripts }: PageContent): Promise<void> {
  const body = render(view, { ...data, signIn: options.signInPath !== undefined })
  const head = headHtml(options.basePath, scripts)
  const frame = options.layout ?? plainLayout
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
function plainLayout({ title, head, body, res }: PageParts): string {
  const shown: PageNotifications | undefined = res.locals.notifications
  return render('layout', { title, head, body, badge: badgeText(shown?.unread ?? 0), bell: shown?.bell() ?? '' })
}
