import { randomUUID } from 'node:crypto'
import type { ErrorRequestHandler, Request, Response } from 'express'
import { type Draft, InvalidError, LEVELS, wantsJson } from '../../notifications/index.js'
import { type Find, lookUp } from '../addressees.js'
import { me } from '../auth.js'
import { type ComposeValues, compose, composeValues, splitNames } from '../compose.js'
import type { AppContext } from '../context.js'
import { field, parameter } from '../fields.js'
import { composeScript } from '../page-scripts.js'
import { send } from '../send.js'
import { audienceWords, byAlphabet, namesOf, present, senderOfUser } from '../sent.js'
import { type UnsentForm, unsentForm } from '../unsent-form.js'
import { ROLES } from '../users.js'
import { clockIn, people, words } from '../words.js'
import { serverTimeZone } from '../zoned-time.js'

/** From how many people on the form asks once whether that is meant. */
const ASK_FROM = 1000

/** Answers with the empty form. */
export function showNewForm(context: AppContext, req: Request, res: Response): Promise<void> {
  return showForm(context, res, { values: freshValues(), unsent: parameter(req, 'unsent') !== '' })
}

/** Sends what was typed. */
export async function sendForm(context: AppContext, req: Request, res: Response): Promise<void> {
  const { users } = context
  const values = composeValues(req.body)
  const script = wantsJson(req)
  const find = await lookUp(users, splitNames(values.recipients))
  const sender = senderOfUser(me(res).id)
  const read = compose(values, { find, roles: ROLES, timeZone: serverTimeZone(), sender, now: Date.now() })
  if ('errors' in read) throw new InvalidError(read.errors)
  if (!script && (await wasAsked(context, req, res, { values, draft: read.draft, find }))) return
  const { replayed, ...stored } = await send(context, read.draft)
  const address = `/admin/notifications/${stored.id}`
  if (script)
    res
      .status(replayed ? 200 : 201)
      .location(address)
      .json(present(stored, await namesOf(users, [stored])))
  else res.redirect(303, address)
}

/** To a person, with the form again where that helps. */
export function showFormAgain(context: AppContext): ErrorRequestHandler {
  return async (error, req, res, _next) => {
    if (wantsJson(req)) throw error
    const { status, ...form } = unsentForm(context, res, composeValues(req.body), error)
    await showForm(context, res, form, status)
  }
}

interface Composed {
  readonly values: ComposeValues
  readonly draft: Draft
  readonly find: Find
}

/** Asks once where very many would be written to, and goes back to the form where that was not meant. True where it answered. */
async function wasAsked(context: AppContext, req: Request, res: Response, composed: Composed): Promise<boolean> {
  const confirm = field(req, 'confirm')
  if (confirm === 'change') {
    await showForm(context, res, { values: composed.values })
    return true
  }
  const reached = await reach(context, composed.values)
  if (confirm !== 'ask' || reached < ASK_FROM) return false
  const question = people(reached)
  await context.page(res, 'compose-confirm', { ...words, title: `Send to ${question}?`, current: 'sent', question, ...summary(composed) })
  return true
}

/** All of what is going to be sent, in words. */
function summary({ values, draft, find }: Composed) {
  const { to, title, body, url, category } = draft
  const zone = values.timeZone.trim() || serverTimeZone()
  const moment = (at: Draft['publishAt'], none: string) => (at instanceof Date ? clockIn(at, zone) : none)
  const named = to === 'everyone' || 'topic' in to ? [] : splitNames(values.recipients).flatMap((name) => find(name) ?? [])
  const facts = [
    ['To', audienceWords(to, new Map(named.map(({ id, username }) => [id, username])))],
    ['Appears', moment(draft.publishAt, 'at once')],
    ['Disappears', moment(draft.expiresAt, 'not by itself')],
    ['Link', url || 'none'],
    ['Level', draft.level ?? 'info'],
    ['Category', category || 'none'],
  ]
  return { values, heading: title, body: body ?? '', facts, names: named.map(({ username }) => username).toSorted(byAlphabet) }
}

interface Shown extends Omit<UnsentForm<ComposeValues>, 'status'> {
  readonly unsent?: boolean
}

async function showForm(
  context: AppContext,
  res: Response,
  { values, errors = [], obstacle, opened, unsent = false }: Shown,
  status = 200,
): Promise<void> {
  const counts = await context.users.counts()
  const trouble = errors.length > 0 ? 'Please check: ' : obstacle === undefined ? '' : 'Not sent yet: '
  const locals = {
    ...words,
    ...{ values, errors, obstacle, opened, unsent, levels: LEVELS, roles: ROLES, serverZone: serverTimeZone() },
    title: trouble === '' ? 'New notification' : `${trouble}new notification`,
    current: 'sent',
    reach: { ...counts, everyone: counts.member + counts.admin },
    local: (moment: string) => moment === '' || /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(moment),
    head: composeScript(),
  }
  await context.page(res, 'compose', locals, status)
}

/** How many people what is typed would reach, as far as that is known. */
async function reach({ users }: AppContext, { audience, role, recipients }: ComposeValues): Promise<number> {
  const counts = await users.counts()
  if (audience === 'everyone') return counts.member + counts.admin
  if (audience === 'role') return ROLES.filter((known) => known === role).reduce((sum, known) => sum + counts[known], 0)
  return splitNames(recipients).length
}

function freshValues(): ComposeValues {
  const empty = composeValues(undefined)
  return { ...empty, audience: 'user', role: 'member', level: 'info', timeZone: serverTimeZone(), idempotencyKey: randomUUID() }
}
