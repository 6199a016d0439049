import { randomUUID } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import { ConflictError, type Draft, type FieldError, InvalidError, LEVELS, type SentEntry, wantsJson } from '../../notifications/index.js'
import { lookUp } from '../addressees.js'
import { me, readBodyBehind, requireAdmin } from '../auth.js'
import { field, parameter } from '../body.js'
import { type ComposeValues, compose, composeValues, splitNames } from '../compose.js'
import { composeScript } from '../compose-script.js'
import type { AppContext } from '../context.js'
import { queryLimit } from '../fields.js'
import { audienceWords, byAlphabet, namesOf, present, type SentView, senderOfUser, sentViews } from '../sent.js'
import { Tokens } from '../tokens.js'
import { ROLES } from '../users.js'
import { people, words } from '../words.js'
import { serverTimeZone } from '../zoned-time.js'

/** From how many people on the form asks once whether that is meant. */
const ASK_FROM = 1000
/** Room for 5,000 usernames and every other field at its longest, as a form writes them. */
const LARGEST_BODY = '512kb'
/** How many readers a report lists. */
const READERS_SHOWN = 100

/** What admins send: the list, the form, the report, and taking back. */
export function adminNotificationRoutes(context: AppContext): Router {
  const routes = Router()
  const sent = new SentPages(context)
  routes.use('/admin/notifications', requireAdmin)
  routes.get('/admin/notifications', (req, res) => sent.list(req, res))
  routes.get('/admin/notifications/new', (_req, res) => showForm(context, res, { values: freshValues(), errors: [] }))
  routes.post('/admin/notifications', readBodyBehind(requireAdmin, context.users, LARGEST_BODY), (req, res) => send(context, req, res))
  routes.get('/admin/notifications/:id', (req, res) => sent.report(req, res, req.params.id))
  routes.post('/admin/notifications/:id/recall', async (req, res) => {
    await context.notifications.recall(req.params.id)
    if (wantsJson(req)) await sent.report(req, res, req.params.id)
    else res.redirect(303, `/admin/notifications/${encodeURIComponent(req.params.id)}`)
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
    await page(res, 'admin-notifications', { ...words, title: 'Sent', current: 'sent', entries: views, older, first: before === undefined })
  }

  async report(req: Request, res: Response, id: string): Promise<void> {
    const { notifications, users, page } = this.#context
    const except = await users.disabledIds()
    const entry = await notifications.report(id, { except })
    const [view] = await sentViews([entry], { users, tokens: this.#tokens })
    if (view === undefined) throw new Error('A report without its notification.')
    const readers = view.calledOff ? [] : await this.#readers(entry, except)
    if (wantsJson(req)) {
      res.json({ ...presentView(view, await namesOf(users, [view.notification])), readers })
      return
    }
    const more = Math.max(0, (entry.recipients ?? entry.read) - readers.length)
    const title = view.title ?? 'A message between people'
    await page(res, 'admin-notification', { ...words, title, current: 'sent', entry: view, readers, more })
  }

  /** The latest readers, then who has not read it yet by name. Of those who are named all are asked for, or the first of the alphabet could be missing. */
  async #readers({ notification, recipients }: SentEntry, except: readonly string[]) {
    const { notifications, users } = this.#context
    const found = await notifications.readers(notification.id, { limit: Math.max(READERS_SHOWN, recipients ?? 0), except })
    const names = await users.byIds(found.map(({ user }) => Number(user)).filter(Number.isSafeInteger))
    return found
      .map(({ user, readAt }) => ({ username: names.get(Number(user))?.username ?? `#${user}`, readAt: readAt === null ? null : new Date(readAt) }))
      .toSorted((a, b) => (b.readAt?.getTime() ?? 0) - (a.readAt?.getTime() ?? 0) || byAlphabet(a.username, b.username))
      .slice(0, READERS_SHOWN)
  }
}

function presentView({ notification, title, body, url, status, recipients, read, by }: SentView, names: Awaited<ReturnType<typeof namesOf>>) {
  const data = title === null ? null : notification.data
  return { ...present(notification, names), title, body, url, data, status, recipients, read, by }
}

interface Shown {
  readonly values: ComposeValues
  readonly errors: readonly FieldError[]
  readonly status?: number
  /** Where what this very form made before is listed. */
  readonly repeated?: string
}

async function send(context: AppContext, req: Request, res: Response): Promise<void> {
  const { notifications, users } = context
  const values = composeValues(req.body)
  const script = wantsJson(req)
  const read = compose(values, {
    find: await lookUp(users, splitNames(values.recipients)),
    ...{ roles: ROLES, timeZone: serverTimeZone(), sender: senderOfUser(me(res).id), now: Date.now() },
  })
  if ('errors' in read) {
    if (script) throw new InvalidError(read.errors)
    return showForm(context, res, { values, errors: read.errors, status: 422 })
  }
  if (!script && (await wasAsked(context, req, res, values, read.draft))) return
  try {
    const { replayed, ...stored } = await notifications.notify(read.draft)
    const address = `/admin/notifications/${stored.id}`
    if (script)
      res
        .status(replayed ? 200 : 201)
        .location(address)
        .json(present(stored, await namesOf(users, [stored])))
    else res.redirect(303, address)
  } catch (error) {
    if (script) throw error
    await showRefusal(context, res, values, error)
  }
}

/** The form again where it can be mended. A form that was sent before with other words gets a key of its own: sending it again is meant. */
async function showRefusal(context: AppContext, res: Response, values: ComposeValues, error: unknown): Promise<void> {
  if (error instanceof InvalidError) return showForm(context, res, { values, errors: error.errors, status: 422 })
  if (!(error instanceof ConflictError)) throw error
  const again = { ...values, idempotencyKey: randomUUID() }
  await showForm(context, res, { values: again, errors: [], status: 409, repeated: '/admin/notifications' })
}

/** Asks once where very many would be written to, and goes back to the form where that was not meant. True where it answered. */
async function wasAsked(context: AppContext, req: Request, res: Response, values: ComposeValues, { to }: Draft): Promise<boolean> {
  const confirm = field(req, 'confirm')
  if (confirm === 'change') {
    await showForm(context, res, { values, errors: [] })
    return true
  }
  const reached = await reach(context, values)
  if (confirm !== 'ask' || reached < ASK_FROM) return false
  const audience = audienceWords(to, new Map())
  const sendLabel = sendWords(reached)
  await context.page(res, 'compose-confirm', { ...words, title: sendLabel, current: 'sent', values, audience, reached, sendLabel })
  return true
}

async function showForm(context: AppContext, res: Response, { values, errors, status = 200, repeated }: Shown): Promise<void> {
  const counts = await context.users.counts()
  const locals = {
    ...words,
    ...{ values, errors, repeated, levels: LEVELS, roles: ROLES, serverZone: serverTimeZone() },
    title: errors.length > 0 ? 'Please check: new notification' : 'New notification',
    current: 'sent',
    reach: { ...counts, everyone: counts.member + counts.admin },
    sendLabel: sendWords(await reach(context, values)),
    local: (moment: string) => moment === '' || /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(moment),
    head: composeScript(),
  }
  await context.page(res, 'compose', locals, status)
}

/** How many people the audience that is chosen in the form reaches, as far as that is known. */
async function reach({ users }: AppContext, { audience, role, recipients }: ComposeValues): Promise<number> {
  const counts = await users.counts()
  if (audience === 'everyone') return counts.member + counts.admin
  if (audience === 'role') return ROLES.filter((known) => known === role).reduce((sum, known) => sum + counts[known], 0)
  return splitNames(recipients).length
}

function sendWords(reached: number): string {
  return reached === 0 ? 'Send' : `Send to ${people(reached)}`
}

function freshValues(): ComposeValues {
  const empty = composeValues(undefined)
  return { ...empty, audience: 'user', role: 'member', level: 'info', timeZone: serverTimeZone(), idempotencyKey: randomUUID() }
}
