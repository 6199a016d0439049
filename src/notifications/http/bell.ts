import type { Response } from 'express'
import type { ListQuery } from '../cursors.js'
import { badgeText, type State } from '../protocol.js'
import { type AssetName, assetHref } from './assets.js'
import type { HttpContext } from './context.js'
import { wordsFor } from './language.js'
import { escapeHtml, render } from './templates.js'
import { userMark } from './user-marks.js'
import { listView } from './view.js'
import { ensureRecorded, type Visit } from './visit.js'
import type { Words } from './words.js'

/**
 * What pages of the host find in `res.locals.notifications`. Signed out: unread is 0, bell and list are empty. All HTML is
 * escaped and ready to be put in as it is, in any template language.
 * @example <%- notifications.bell() %>
 */
export interface PageNotifications extends State {
  /** HTML for `<head>`: the stylesheet and the client. */
  head(): string
  /** HTML of the bell: a link to the inbox with the count in it, which the client brings to life. Once a page. */
  bell(): string
  /**
   * HTML of the newest notifications, five unless `limit` says otherwise, with their actions as forms; as of now: the bell is what lives.
   * Rejects with MalformedError for a query that cannot be, with UnavailableError while the database is out, or cannot be written and their topics have changed.
   * @example const latest = await res.locals.notifications.list({ limit: 3, filter: 'unread' })
   */
  list(query?: ListQuery): Promise<string>
}

declare global {
  namespace Express {
    interface Locals {
      /** Set by `notifications.middleware()`. */
      notifications: PageNotifications
    }
  }
}

const NOBODY: State = { epoch: '', version: 0, unread: 0 }

/** Puts the state of somebody (null: of nobody) where templates find it; a later one replaces it. */
export function present(res: Response, context: HttpContext, visit: Visit | null): void {
  const { basePath } = context.options
  // As late as can be: the host may come to know the language of a request behind the middleware.
  const words = () => wordsFor(context.options, res.req)
  const { epoch, version, unread } = visit?.state ?? NOBODY
  // No spread: V8 copies one in the midst of a literal by its slow path, for each page of the host's (24 instead of 3 µs).
  res.locals.notifications = {
    epoch,
    version,
    unread,
    head: () => headHtml(basePath),
    bell: () => (visit === null ? '' : bellHtml(basePath, words(), visit)),
    list: async (query) => (visit === null ? '' : listHtml(context, words(), visit, query)),
  }
}

/** Links to the stylesheet and the scripts, as far as they were built. */
export function headHtml(basePath: string, scripts: readonly AssetName[] = ['belfry.js']): string {
  const style = assetHref(basePath, 'belfry.css')
  const tags = style === undefined ? [] : [`<link rel="stylesheet" href="${escapeHtml(style)}">`]
  return [...tags, ...scripts.map((name) => scriptHtml(basePath, name))].filter((tag) => tag !== '').join('\n')
}

function scriptHtml(basePath: string, name: AssetName): string {
  const href = assetHref(basePath, name)
  return href === undefined ? '' : `<script type="module" src="${escapeHtml(href)}"></script>`
}

function bellHtml(basePath: string, words: Words, { person, state }: Visit): string {
  const { epoch, version, unread } = state
  return render('_bell', { epoch, version, unread, basePath, words, badge: badgeText(unread), mark: userMark(person.id) }).trim()
}

async function listHtml({ options, service }: HttpContext, words: Words, visit: Visit, query: ListQuery = {}): Promise<string> {
  ensureRecorded(visit)
  const { basePath } = options
  const view = listView(basePath, words, query, await service.list(visit.person.id, { limit: 5, ...query }))
  return render('list', { ...view, script: scriptHtml(basePath, 'times.js') })
}
