import { type Request, type Response, Router } from 'express'
import { type SentEntry, wantsJson } from '../../notifications/index.js'
import { readBodyBehind, requireAdmin } from '../auth.js'
import { LARGEST_FORM } from '../body.js'
import type { AppContext } from '../context.js'
import { parameter, queryLimit } from '../fields.js'
import { clockScript, composeScript } from '../page-scripts.js'
import { byAlphabet, namesOf, present, type SentView, sentViews } from '../sent.js'
import { Tokens } from '../tokens.js'
import { words } from '../words.js'
import { sendForm, showFormAgain, showNewForm } from './admin-compose.js'

/** How many readers a report lists in its table; and of how many people who were named it tells the others, too, by name. */
const READERS_SHOWN = 100
const READERS_ASKED_FOR = 5000

/** What admins send: the list, the form, the report, and taking back. */
export function adminNotificationRoutes(context: AppContext): Router {
  const routes = Router()
  const sent = new SentPages(context)
  routes.use('/admin/notifications', requireAdmin)
  routes.get('/admin/notifications', (req, res) => sent.list(req, res))
  routes.get('/admin/notifications/new', (req, res) => showNewForm(context, req, res))
  const behind = (limit?: string) => readBodyBehind(requireAdmin, context.users, limit)
  routes.post('/admin/notifications', behind(LARGEST_FORM), (req: Request, res: Response) => sendForm(context, req, res), showFormAgain(context))
  routes.get('/admin/notifications/:id', (req, res) => sent.report(req, res, req.params.id))
  routes.post('/admin/notifications/:id/recall', behind(), async (req, res) => {
    const id = String(req.params.id)
    await context.notifications.recall(id)
    if (wantsJson(req)) await sent.report(req, res, id)
    else res.redirect(303, `/admin/notifications/${encodeURIComponent(id)}?recalled=1`)
  })
  return routes
}

/** The list of what was sent and the report of one, each with two faces. */
class SentPages {
  readonly #context: AppContext
  readonly #tokens: Tokens

  constructor(context: AppContext) {
    this.#context = context
    this.#tokens = new Tokens(context.database)
  }

  async list(req: Request, res: Response): Promise<void> {
    const { notifications, users, page } = this.#context
    const before = parameter(req, 'before') || undefined
    const limit = queryLimit(req, 25)
    const { entries, nextCursor } = await notifications.sent({ before, limit, except: await users.disabledIds() })
    const views = await sentViews(entries, { users, tokens: this.#tokens })
    if (wantsJson(req)) {
      const names = await namesOf(
        users,
        views.map(({ notification }) => notification),
      )
      res.json({ items: views.map((view) => presentView(view, names)), nextCursor })
      return
    }
    const older =
      nextCursor === null
        ? null
        : `/admin/notifications?${new URLSearchParams({ before: nextCursor, ...(limit === 25 ? {} : { limit: String(limit) }) })}`
    await page(res, 'admin-notifications', {
      ...words,
      title: 'Sent',
      current: 'sent',
      entries: views,
      older,
      first: before === undefined,
      head: clockScript(),
    })
  }

  async report(req: Request, res: Response, id: string): Promise<void> {
    const { notifications, users, page } = this.#context
    const except = await users.disabledIds()
    const entry = await notifications.report(id, { except })
    const [view] = await sentViews([entry], { users, tokens: this.#tokens })
    if (view === undefined) throw new Error('A report without its notification.')
    const all = view.calledOff ? [] : await this.#readers(entry, except)
    const readers = all.slice(0, READERS_SHOWN)
    if (wantsJson(req)) {
      res.json({ ...presentView(view, await namesOf(users, [view.notification])), readers })
      return
    }
    const rest = byName(all.slice(READERS_SHOWN))
    const more = Math.max(0, (entry.recipients ?? entry.read) - readers.length)
    const title = view.title ?? 'A message between people'
    const done = parameter(req, 'recalled') === '' || view.notification.recalledAt === null ? '' : recalled(view)
    await page(res, 'admin-notification', {
      ...words,
      title,
      current: 'sent',
      entry: view,
      readers,
      rest,
      more,
      done,
      head: composeScript() + clockScript(),
    })
  }

  /** The latest readers, then who has not read it yet by name. Of those who are named all are asked for, or the first of the alphabet could be missing. */
  async #readers({ notification, recipients }: SentEntry, except: readonly string[]) {
    const { notifications, users } = this.#context
    // Another process may have named more than can be asked for.
    const limit = Math.min(READERS_ASKED_FOR, Math.max(READERS_SHOWN, recipients ?? 0))
    const found = await notifications.readers(notification.id, { limit, except })
    const names = await users.byIds(found.map(({ user }) => Number(user)).filter(Number.isSafeInteger))
    return found
      .map(({ user, readAt }) => ({ username: names.get(Number(user))?.username ?? `#${user}`, readAt: readAt === null ? null : new Date(readAt) }))
      .toSorted((a, b) => (b.readAt?.getTime() ?? 0) - (a.readAt?.getTime() ?? 0) || byAlphabet(a.username, b.username))
  }
}

/** The names of those who have read it, and of those who have not. */
function byName(people: readonly { readonly username: string; readonly readAt: Date | null }[]): { readonly read: string; readonly notYet: string } {
  const names = (read: boolean) => people.flatMap(({ username, readAt }) => ((readAt !== null) === read ? [username] : [])).join(', ')
  return { read: names(true), notYet: names(false) }
}

function recalled({ calledOff }: SentView): string {
  return calledOff ? 'It is called off, and will be in no inbox.' : 'It is taken back from every inbox.'
}

function presentView({ notification, title, body, url, status, recipients, read, by }: SentView, names: Awaited<ReturnType<typeof namesOf>>) {
  const data = title === null ? null : notification.data
  return { ...present(notification, names), title, body, url, data, status, recipients, read, by }
}
