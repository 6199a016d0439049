import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RequestHandler, Response } from 'express'
import { NotFoundError } from '../errors.js'
import { leaveSessionAlone } from './stored-session.js'

const script = (name: string) => ({ at: [`build/${name}`], type: 'text/javascript; charset=utf-8' })

const FILES = {
  'belfry.js': script('belfry.js'),
  'inbox.js': script('inbox.js'),
  'item.js': script('item.js'),
  'times.js': script('times.js'),
  'preferences-page.js': script('preferences-page.js'),
  // Fetched by other scripts where they are wanted.
  'panel.js': script('panel.js'),
  'call.js': script('call.js'),
  'over.js': script('over.js'),
  'inbox-extras.js': script('inbox-extras.js'),
  'bell-ar.js': script('bell-ar.js'),
  'bell-pl.js': script('bell-pl.js'),
  'inbox-ar.js': script('inbox-ar.js'),
  'inbox-pl.js': script('inbox-pl.js'),
  // Minified where it was built, else as it was written.
  'belfry.css': { at: ['build/belfry.css', 'belfry.css'], type: 'text/css; charset=utf-8' },
}

export type AssetName = keyof typeof FILES

interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly hash: string
}

const PUBLIC = new URL('../../../public/', import.meta.url)
const YEAR = 31_536_000
const loaded = new Map<AssetName, Asset>()
// Now and not when a browser asks: an install under a running process takes them away, and then brings those of another version.
for (const name of Object.keys(FILES)) if (isAsset(name)) load(name)

/** The address of an asset with its version; undefined where it was not built. */
export function assetHref(basePath: string, name: AssetName): string | undefined {
  const asset = load(name)
  return asset === undefined ? undefined : `${basePath}/assets/${name}?v=${asset.hash}`
}

/** Serves the client and its stylesheet: kept for good under the address of their version, else asked for again each time; nobody's cookie with them. */
export const serveAsset: RequestHandler<{ name: string }> = (req, res) => {
  const { name } = req.params
  const asset = isAsset(name) ? load(name) : undefined
  if (asset === undefined) throw new NotFoundError('There is no such file.')
  leaveSessionAlone(req)
  refuseCookies(res)
  // From the address itself: the host may have no parser for queries.
  const current = req.originalUrl.endsWith(`?v=${asset.hash}`)
  res.set('Cache-Control', current ? `public, max-age=${YEAR}, immutable` : 'public, no-cache')
  res.set('X-Content-Type-Options', 'nosniff')
  res.set('ETag', `"${asset.hash}"`).set('Content-Type', asset.type).send(asset.bytes)
}

/** What any cache may keep and give to others carries nobody's cookie: none that was set, and none that is set by whatever runs when the headers leave. */
function refuseCookies(res: Response): void {
  res.removeHeader('Set-Cookie')
  const { setHeader, appendHeader } = res
  const isCookie = (name: string) => name.toLowerCase() === 'set-cookie'
  res.setHeader = (name, value) => (isCookie(name) ? res : setHeader.call(res, name, value))
  res.appendHeader = (name, value) => (isCookie(name) ? res : appendHeader.call(res, name, value))
}

function isAsset(name: string): name is AssetName {
  return Object.hasOwn(FILES, name)
}

function load(name: AssetName): Asset | undefined {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const bytes = FILES[name].at.map(read).find((found) => found !== undefined)
  if (bytes === undefined) return undefined
  const asset = { type: FILES[name].type, bytes, hash: createHash('sha256').update(bytes).digest('base64url').slice(0, 12) }
  loaded.set(name, asset)
  return asset
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(new URL(path, PUBLIC))
  } catch {
    return undefined
  }
}
