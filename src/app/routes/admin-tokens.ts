import { type Request, type Response, Router } from 'express'
import { type FieldError, InvalidError, NotFoundError, wantsJson } from '../../notifications/index.js'
import { me, readBodyBehind, requireAdmin } from '../auth.js'
import type { AppContext } from '../context.js'
import { field, parameter } from '../fields.js'
import { clockScript } from '../page-scripts.js'
import { type NewToken, type Token, Tokens } from '../tokens.js'
import { words } from '../words.js'

/** Keys for scripts: the list, making one (shown once, in this very answer) and revoking. */
export function adminTokenRoutes(context: AppContext): Router {
  const tokens = new Tokens(context.database)
  const routes = Router()
  routes.use('/admin/tokens', requireAdmin)
  routes.get('/admin/tokens', async (req, res) => {
    if (wantsJson(req)) res.json({ items: (await tokens.list()).map(presentToken) })
    else await showPage(context, tokens, res, { revoked: parameter(req, 'revoked') })
  })
  const behind = readBodyBehind(requireAdmin, context.users)
  routes.post('/admin/tokens', behind, (req, res) => add(context, tokens, req, res))
  routes.post('/admin/tokens/:id/revoke', behind, async (req, res) => {
    const id = String(req.params.id)
    const token = /^[1-9]\d{0,14}$/.test(id) ? await tokens.revoke(Number(id)) : undefined
    if (token === undefined) throw new NotFoundError('There is no such token.')
    if (wantsJson(req)) res.json(presentToken(token))
    else res.redirect(303, `/admin/tokens?revoked=${token.id}`)
  })
  return routes
}

async function add(context: AppContext, tokens: Tokens, req: Request, res: Response): Promise<void> {
  const name = field(req, 'name')
  // The answer holds a secret: nothing on the way may keep it, the browser's own memory of pages included.
  res.set('Cache-Control', 'private, no-store')
  try {
    const made = await tokens.add(name, me(res).id)
    if (wantsJson(req)) res.status(201).json({ id: made.id, name: made.name, token: made.token })
    else await showPage(context, tokens, res, { made }, 201)
  } catch (error) {
    if (wantsJson(req) || !(error instanceof InvalidError)) throw error
    await showPage(context, tokens, res, { errors: error.errors, values: { name } }, 422)
  }
}

interface Shown {
  /** The id of the token that was just revoked, or ''. */
  readonly revoked?: string
  readonly made?: NewToken
  readonly errors?: readonly FieldError[]
  readonly values?: { readonly name: string }
}

async function showPage({ page }: AppContext, tokens: Tokens, res: Response, { revoked = '', ...shown }: Shown, status = 200): Promise<void> {
  const list = await tokens.list()
  const gone = list.find(({ id, revokedAt }) => String(id) === revoked && revokedAt !== null)
  const done = gone === undefined ? '' : `The token ‘${gone.name}’ is revoked: nothing is sent with it any more.`
  const nothing = { made: null, errors: [], values: { name: '' } }
  const title = status === 422 ? 'Please check: tokens' : 'Tokens'
  await page(res, 'admin-tokens', { ...words, ...nothing, ...shown, title, current: 'tokens', list, done, head: clockScript() }, status)
}

/** For scripts: a token without its secret. */
function presentToken({ id, name, createdAt, createdBy, lastUsedAt, revokedAt }: Token) {
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return { id, name, createdAt: iso(createdAt), createdBy, lastUsedAt: iso(lastUsedAt), revokedAt: iso(revokedAt) }
}
