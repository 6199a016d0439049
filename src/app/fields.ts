import type { Request } from 'express'
import { MalformedError } from '../notifications/index.js'

/** The text of a field of the body, '' where it is absent. Throws MalformedError for anything but text. */
export function field(req: Request, name: string): string {
  return textFields(req.body, [name])[name] ?? ''
}

/** The named fields of a body, '' where one is absent. Throws MalformedError where the body is no set of fields or one isn't text. */
export function textFields<const F extends string>(body: unknown, fields: readonly F[]): Readonly<Record<F, string>> {
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    throw new MalformedError('Send fields: a form, or a JSON object.')
  }
  const read = (name: F) => {
    const value: unknown = body !== undefined && Object.hasOwn(body, name) ? Reflect.get(body, name) : ''
    if (value === null || value === undefined) return ''
    if (typeof value !== 'string') throw malformedField(name, `${name} must be text, and come once.`)
    return value
  }
  return Object.fromEntries(fields.map((name) => [name, read(name)])) as Record<F, string>
}

/** The text of a query parameter, '' where it is absent. Throws MalformedError where it comes twice. */
export function parameter(req: Request, name: string): string {
  const value: unknown = Object.hasOwn(req.query, name) ? req.query[name] : ''
  if (typeof value === 'string') return value
  throw malformedField(name, `${name} must come once.`)
}

/** `limit` of the address. Throws MalformedError where it is no whole number from 1 to 100. */
export function queryLimit(req: Request, unlessGiven: number): number {
  const text = parameter(req, 'limit')
  if (text === '') return unlessGiven
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 100) throw malformedField('limit', 'The limit must be a whole number from 1 to 100.')
  return limit
}

export function malformedField(field: string, message: string): MalformedError {
  return new MalformedError(message, [{ field, message }])
}
