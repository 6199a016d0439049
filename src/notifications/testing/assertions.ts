import { AssertionError } from 'node:assert'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Notified, Recipients } from '../index.js'

/** What a notification has to be like: fields that must be equal (of texts, a pattern is enough), or a function that decides. */
export type Expected =
  | { readonly [K in keyof Notified]?: Notified[K] | (string extends Notified[K] ? RegExp : never) }
  | ((sent: Notified) => boolean)

export function assertSentTo(sent: readonly Notified[], to: Recipients, expected: Expected): void {
  const missed = each(to).filter((one) => !sent.some((notification) => addresses(notification, one) && fits(notification, expected)))
  if (missed.length === 0) return
  fail(`Nothing${wanted(expected)} was sent to ${missed.map(words).join(' or ')}.`, sent, assertSentTo)
}

export function assertNotSentTo(sent: readonly Notified[], to: Recipients, expected: Expected): void {
  const hit = each(to).find((one) => sent.some((notification) => addresses(notification, one) && fits(notification, expected)))
  if (hit === undefined) return
  fail(`Nothing${wanted(expected)} was to be sent to ${words(hit)}, but it was.`, sent, assertNotSentTo)
}

export function assertSentTimes(sent: readonly Notified[], times: number, expected: Expected): void {
  const count = sent.filter((notification) => fits(notification, expected)).length
  if (count !== times) fail(`${notifications(times)}${wanted(expected)} should have been sent, but ${count} fit.`, sent, assertSentTimes)
}

export function assertCount(sent: readonly Notified[], count: number): void {
  if (sent.length !== count) fail(`${notifications(count)} should have been sent.`, sent, assertCount)
}

function each(to: Recipients): Recipients[] {
  return typeof to === 'object' && 'users' in to ? to.users.map((user) => ({ user })) : [to]
}

function addresses({ to }: Notified, whom: Recipients): boolean {
  if (to === 'everyone' || whom === 'everyone') return to === whom
  if ('topic' in to || 'topic' in whom) return isDeepStrictEqual(to, whom)
  return 'user' in whom && ('user' in to ? to.user === whom.user : to.users.includes(whom.user))
}

function fits(sent: Notified, expected: Expected): boolean {
  if (typeof expected === 'function') return expected(sent)
  return Object.entries(expected).every(([field, value]) => {
    const actual: unknown = Reflect.get(sent, field)
    return value instanceof RegExp ? typeof actual === 'string' && value.test(actual) : isDeepStrictEqual(actual, value)
  })
}

function wanted(expected: Expected): string {
  if (typeof expected === 'function') return ' that the function accepts'
  const fields = Object.entries(expected).map(([field, value]) => `${field} ${inspect(value)}`)
  return fields.length === 0 ? '' : ` with ${fields.join(' and ')}`
}

function notifications(count: number): string {
  return count === 0 ? 'No notification' : count === 1 ? 'One notification' : `${count} notifications`
}

function words(to: Recipients): string {
  if (to === 'everyone') return 'everyone'
  if ('topic' in to) return `the topic ${to.topic}`
  return 'user' in to ? `user ${to.user}` : `the users ${to.users.join(', ')}`
}

function fail(sentence: string, sent: readonly Notified[], stackStartFn: (...args: never[]) => void): never {
  const list = sent.map((one, at) => `  ${at + 1}. to ${words(one.to)}: ${inspect(one.title)}${one.url === null ? '' : ` (${one.url})`}`)
  const told = list.length === 0 ? 'Nothing was sent at all.' : `What was sent:\n${list.join('\n')}`
  throw new AssertionError({ message: `${sentence} ${told}`, stackStartFn })
}
