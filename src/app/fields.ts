import type { Request } from 'express'
import { MalformedError } from '../notifications/index.js'
import { parameter } from './body.js'

/** The named fields of a body, '' where one is absent. Throws MalformedError where the body is no set of fields or one isn't text. */
export function textFields<const F extends string>(body: unknown, fields: readonly F[]): Readonly<Record<F, string>> {
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    throw new MalformedError('Send fields: a form, or a JSON object.')
  }
  const read = (field: F) => {
    const value: unknown = body !== undefined && Object.hasOwn(body, field) ? Reflect.get(body, field) : ''
    if (value === null || value === undefined) return ''
    if (typeof value !== 'string') throw malformed(field, `The field ${field} must be text, once.`)
    return value
  }
  return Object.fromEntries(fields.map((field) => [field, read(field)])) as Record<F, string>
}

/** `limit` of the address. Throws MalformedError where it is no whole number from 1 to 100. */
export function queryLimit(req: Request, unlessGiven: number): number {
  const text = parameter(req, 'limit')
  if (text === '') return unlessGiven
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 100) throw malformed('limit', 'The limit must be a whole number from 1 to 100.')
  return limit
}

function malformed(field: string, message: string): MalformedError {
  return new MalformedError(message, [{ field, message }])
}
