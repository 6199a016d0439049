import { createHash, timingSafeEqual } from 'node:crypto'
import { type Request, type RequestHandler, Router } from 'express'
import type { Registry } from 'prom-client'
import { BelfryError } from '../../notifications/index.js'
import type { AppContext } from '../context.js'

/** What of the running app operators look at. */
export interface Operations {
  readonly registry: Registry
  /** True from the signal to stop on. */
  stopping(): boolean
  /** Meets every request before anybody else, and lets it in. */
  readonly admit: RequestHandler
}

/** Longest time that a part may take to answer, in milliseconds. */
const PATIENCE = 2000

const ONLY_HERE = 'The metrics are for requests from the same machine only, as METRICS_TOKEN is not set.'
const WANTS_TOKEN = 'The metrics are for those who send the METRICS_TOKEN of this app: Authorization: Bearer <token>.'

/** Health and metrics: no session, no page. */
export function operationsRoutes(context: AppContext, { registry, stopping }: Operations): Router {
  const router = Router()

  router.get('/healthz', async (_req, res) => {
    const [database, notifications] = await Promise.all([answers(context.database.check()), answers(context.notifications.check())])
    const well = database && notifications && !stopping()
    if (!well) res.set('Retry-After', '2')
    res.set('Cache-Control', 'no-store').status(well ? 200 : 503)
    res.json({ status: stopping() ? 'stopping' : well ? 'ok' : 'out', database, notifications })
  })

  router.get('/metrics', async (req, res) => {
    const { metricsToken } = context.config
    if (!mayRead(req, metricsToken)) throw new BelfryError('not_allowed', 403, metricsToken === undefined ? ONLY_HERE : WANTS_TOKEN)
    res
      .set('Cache-Control', 'no-store')
      .set('Content-Type', registry.contentType)
      .send(await registry.metrics())
  })
  return router
}

function mayRead(req: Request, token: string | undefined): boolean {
  if (token === undefined) return isLoopback(req.ip ?? '')
  const [, given] = /^Bearer +(.+)$/i.exec(req.get('Authorization') ?? '') ?? []
  return given !== undefined && timingSafeEqual(sha256(given), sha256(token))
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function answers(check: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, false)
  })
  try {
    return await Promise.race([
      check.then(
        () => true,
        () => false,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
