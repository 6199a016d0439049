import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RequestHandler } from 'express'

interface File {
  readonly bytes: Buffer
  readonly version: string
}

const PUBLIC = fileURLToPath(new URL('../../public/', import.meta.url))
const SERVED = ['.css', '.js', '.svg']
// All of them as soon as this is loaded: an install under the running app takes them away, and then brings those of other code.
const files = new Map(
  readdirSync(PUBLIC, { recursive: true, encoding: 'utf8' })
    .filter((name) => SERVED.includes(extname(name)))
    .map((name): [string, File] => [`/${name.replaceAll('\\', '/')}`, read(join(PUBLIC, name))]),
)

/** Short hash of a file in `public/`; '' where there is none. */
export function versionOf(path: string): string {
  return files.get(path)?.version ?? ''
}

/** The address of a file in `public/` with its version, under which it may be kept for good. */
export function asset(path: string): string {
  return `${path}?v=${versionOf(path)}`
}

/** Serves styles, icons and scripts: kept for good under the address of their version, else asked for again each time. */
export const serveFiles: RequestHandler = (req, res, next) => {
  const file = req.method === 'GET' || req.method === 'HEAD' ? files.get(req.path) : undefined
  if (file === undefined) return next()
  res.set('Cache-Control', req.query.v === file.version ? 'public, max-age=31536000, immutable' : 'public, no-cache')
  res.set('ETag', `"${file.version}"`).type(extname(req.path)).send(file.bytes)
}

function read(file: string): File {
  const bytes = readFileSync(file)
  return { bytes, version: createHash('sha256').update(bytes).digest('base64url').slice(0, 12) }
}
