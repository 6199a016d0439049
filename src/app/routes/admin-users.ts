import { type Request, type Response, Router } from 'express'
import { type FieldError, InvalidError, NotFoundError, wantsJson } from '../../notifications/index.js'
import { listed } from '../addressees.js'
import { readBodyBehind, requireAdmin } from '../auth.js'
import type { AppContext } from '../context.js'
import { field, parameter, queryLimit } from '../fields.js'
import { passwordProblem, ROLES, type Role, type User, usernameProblem } from '../users.js'
import { words } from '../words.js'

const PAGE = 50

/** Who can sign in: the list, adding somebody, and what an admin can change of them. All of it is effective at once. */
export function adminUserRoutes(context: AppContext): Router {
  const { accounts } = context
  const routes = Router()
  routes.use('/admin/users', requireAdmin)
  routes.get('/admin/users', (req, res) => list(context, req, res))
  routes.post('/admin/users', readBodyBehind(requireAdmin, context.users), (req, res) => add(context, req, res))
  change(context, routes, 'role', (user, req) => accounts.setRole(user, readRole(field(req, 'role'))))
  change(context, routes, 'password', async (user, req) => {
    await accounts.setPassword(user, field(req, 'password'))
  })
  change(context, routes, 'disable', (user) => accounts.disable(user))
  change(context, routes, 'enable', (user) => accounts.enable(user))
  return routes
}

function change(context: AppContext, routes: Router, what: Change, apply: (user: User, req: Request) => Promise<void>): void {
  routes.post(`/admin/users/:id/${what}`, readBodyBehind(requireAdmin, context.users), async (req, res) => {
    const id = readId(String(req.params.id))
    const user = await context.users.byId(id)
    if (user === undefined) throw noSuchUser()
    try {
      await apply(user, req)
    } catch (error) {
      if (wantsJson(req) || !(error instanceof InvalidError)) throw error
      return showPage(context, res, { refused: { id, errors: error.errors }, list: [user] }, 422)
    }
    if (wantsJson(req)) res.json(presentUser((await context.users.byId(id)) ?? user))
    else res.redirect(303, doneHref(user, what))
  })
}

async function list(context: AppContext, req: Request, res: Response): Promise<void> {
  const search = parameter(req, 'search').trim()
  const after = parameter(req, 'after')
  const limit = queryLimit(req, PAGE)
  const found = await context.users.list({ search, after, limit: limit + 1 })
  const shown = found.slice(0, limit)
  const nextCursor = found.length > limit ? (shown.at(-1)?.username ?? null) : null
  if (wantsJson(req)) {
    res.json({ items: shown.map(presentUser), nextCursor })
    return
  }
  const query = { ...(search === '' ? {} : { search }), ...(limit === PAGE ? {} : { limit: String(limit) }) }
  const next = nextCursor === null ? null : `/admin/users?${new URLSearchParams({ ...query, after: nextCursor })}`
  const changed = await changedUser(context, parameter(req, 'done'), search)
  await showPage(context, res, { list: shown, search, next, first: after === '' && search === '', ...changed })
}

/** What was done, in a sentence about how the user is now; '' where that is not so any more. */
const DONE = {
  add: ({ username, role }: User) => `${username} is added as ${article(role)}.`,
  role: ({ username, role }: User) => `${username} is ${article(role)} now.`,
  password: ({ username }: User) => `${username} has a new password, and all of ${username}'s sessions have ended.`,
  disable: ({ username, disabledAt }: User) => (disabledAt === null ? '' : `${username} is disabled, and signed out everywhere.`),
  enable: ({ username, disabledAt }: User) => (disabledAt === null ? `${username} is enabled, and can sign in again.` : ''),
}
type Change = keyof typeof DONE

/** No fragment: where an address has one, browsers give the focus to nothing else. */
function doneHref({ username }: User, what: Change): string {
  return `/admin/users?${new URLSearchParams({ search: username, done: what })}`
}

async function changedUser(
  { users }: AppContext,
  what: string,
  username: string,
): Promise<{ readonly done: string; readonly changed: number } | undefined> {
  const user = Object.hasOwn(DONE, what) ? await users.byName(username) : undefined
  return user && { done: DONE[what as Change](user), changed: user.id }
}

async function add(context: AppContext, req: Request, res: Response): Promise<void> {
  const [username, password, role] = [field(req, 'username').trim(), field(req, 'password'), field(req, 'role')]
  try {
    const user = await addUser(context, username, password, role)
    if (wantsJson(req)) res.status(201).json(presentUser(user))
    else res.redirect(303, doneHref(user, 'add'))
  } catch (error) {
    if (wantsJson(req) || !(error instanceof InvalidError)) throw error
    const found = await context.users.list({ limit: PAGE })
    await showPage(context, res, { list: found, errors: error.errors, values: { username, role } }, 422)
  }
}

/** A wrong role doesn't hide what else is wrong. */
async function addUser({ accounts }: AppContext, username: string, password: string, text: string): Promise<User> {
  const role = ROLES.find((known) => known === text)
  if (role !== undefined) return accounts.add({ username, password, role })
  const wrong = (name: string, message: string | undefined) => (message === undefined ? [] : [{ field: name, message }])
  throw new InvalidError([...wrong('username', usernameProblem(username)), ...wrong('password', passwordProblem(password)), wrongRole()])
}

interface Shown {
  readonly list: readonly User[]
  readonly search?: string
  readonly next?: string | null
  readonly first?: boolean
  /** What was done, and whose row is to stand open; null for nobody's. */
  readonly done?: string
  readonly changed?: number | null
  /** Whose change was refused, and why. */
  readonly refused?: { readonly id: number; readonly errors: readonly FieldError[] }
  /** What was wrong with somebody new, and what was typed. The password is not among it: it is typed anew. */
  readonly errors?: readonly FieldError[]
  readonly values?: { readonly username: string; readonly role: string }
}

async function showPage(context: AppContext, res: Response, shown: Shown, status = 200): Promise<void> {
  const nothing = {
    search: '',
    next: null,
    first: shown.refused === undefined,
    refused: null,
    errors: [],
    values: { username: '', role: 'member' },
    done: '',
    changed: null,
  }
  const title = status === 422 ? 'Please check: people' : 'People'
  await context.page(res, 'admin-users', { ...words, ...nothing, ...shown, title, current: 'users', roles: ROLES }, status)
}

/** For scripts: a user, without what is nobody's business. */
function presentUser({ id, username, role, createdAt, disabledAt }: User) {
  const iso = (ms: number) => new Date(ms).toISOString()
  return { id, username, role, createdAt: iso(createdAt), disabledAt: disabledAt === null ? null : iso(disabledAt) }
}

function readId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw noSuchUser()
  return Number(text)
}

function noSuchUser(): NotFoundError {
  return new NotFoundError('There is no such user.')
}

function readRole(text: string): Role {
  const role = ROLES.find((known) => known === text)
  if (role === undefined) throw new InvalidError([wrongRole()])
  return role
}

function article(role: Role): string {
  return role === 'admin' ? 'an admin' : 'a member'
}

function wrongRole(): FieldError {
  return { field: 'role', message: `Choose a role: ${listed(ROLES, 'or')}.` }
}
