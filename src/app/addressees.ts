import type { Users } from './users.js'

/** Somebody who can be written to by name. */
interface Addressee {
  /** As the plugin has it. */
  readonly id: string
  readonly username: string
  readonly disabled: boolean
}

/** Finds people by username, in any case; undefined for those who don't exist. */
export type Find = (username: string) => Addressee | undefined

/** Looks up all of these at once. */
export async function lookUp(users: Users, names: readonly string[]): Promise<Find> {
  const found = await users.byNames(names)
  return (username) => {
    const user = found.get(username.toLowerCase())
    return user && { id: String(user.id), username: user.username, disabled: user.disabledAt !== null }
  }
}

/** A sentence that names each who isn't there or is disabled; undefined where all can be written to. */
export function disabledOrUnknown(names: readonly string[], find: Find): string | undefined {
  const unknown = names.filter((name) => find(name) === undefined)
  const disabled = names.filter((name) => find(name)?.disabled === true)
  const sentences = [
    ...(unknown.length > 0 ? [`There is nobody called ${listed(unknown, 'or')}.`] : []),
    ...(disabled.length > 0 ? [`${listed(disabled, 'and')} ${disabled.length === 1 ? 'is' : 'are'} disabled and can't be written to.`] : []),
  ]
  return sentences.length === 0 ? undefined : sentences.join(' ')
}

/** `ada, bob, and carol`, or with `or`. */
export function listed(names: readonly string[], word: 'and' | 'or'): string {
  return new Intl.ListFormat('en', { type: word === 'and' ? 'conjunction' : 'disjunction' }).format(names)
}
