import type { Request } from 'express'
import type { ListQuery } from '../cursors.js'
import { type FieldError, MalformedError } from '../errors.js'

/** The page of an inbox that an address asks for. Throws MalformedError for anything unknown or said twice. */
export function parseListQuery(req: Request): ListQuery {
  const given = parameters(req)
  const text = (name: string) => given.get(name) ?? undefined
  const limit = text('limit')
  return {
    // Whatever it is: the service knows the filters and refuses the rest.
    filter: text('filter') as ListQuery['filter'],
    category: text('category') || undefined,
    before: text('before'),
    after: text('after'),
    limit: limit === undefined ? undefined : parseLimit(limit),
  }
}

/**
 * One field of a form or a JSON object, as text; undefined where it was not given. Throws MalformedError where it is
 * anything but text, or was given twice.
 */
export function bodyField(req: Request, name: string): string | undefined {
  const body: unknown = req.body
  if (body === undefined || body === null) return undefined
  if (typeof body !== 'object' || Array.isArray(body) || Buffer.isBuffer(body)) throw new MalformedError('The body must be a form or a JSON object.')
  if (!Object.hasOwn(body, name)) return undefined
  const value: unknown = Reflect.get(body, name)
  if (typeof value !== 'string') throw at({ field: name, message: `${name} must be given once, as text.` })
  return value
}

/** Read from the address itself: what the host's query parser makes of repeated parameters is its own affair. */
function parameters(req: Request): URLSearchParams {
  const start = req.originalUrl.indexOf('?')
  const given = new URLSearchParams(start < 0 ? '' : req.originalUrl.slice(start + 1))
  const names = new Set<string>()
  const twice = [...given.keys()].find((name) => names.size === names.add(name).size)
  if (twice !== undefined) throw at({ field: twice, message: `The parameter ${twice} is given more than once.` })
  return given
}

function parseLimit(value: string): number {
  if (!/^\d{1,3}$/.test(value)) throw at({ field: 'limit', message: 'The limit must be a whole number from 1 to 100.' })
  return Number(value)
}

function at(error: FieldError): MalformedError {
  return new MalformedError(error.message, [error])
}
