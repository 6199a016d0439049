import { randomInt } from 'node:crypto'
import { settingError } from './config.js'
import type { AppContext } from './context.js'
import { passwordProblem, usernameProblem } from './users.js'

export interface FirstSignIn {
  readonly username: string
  readonly password: string
}

/** Without what is easily taken for something else. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/** A password that nobody guesses: 20 letters and digits, 100 bits. */
export function makePassword(): string {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

/** Makes an admin where there is none. Returns how to sign in where nobody knows yet: the password was made here. */
export async function firstAdmin({ config, users, passwords }: AppContext): Promise<FirstSignIn | undefined> {
  if (await users.hasAdmin()) return undefined
  const { adminUsername: username, adminPassword } = config
  const nameProblem = usernameProblem(username)
  if (nameProblem !== undefined) throw settingError('ADMIN_USERNAME', username, sentence(nameProblem))
  const password = adminPassword ?? makePassword()
  const problem = passwordProblem(password)
  if (problem !== undefined) throw settingError('ADMIN_PASSWORD', undefined, sentence(problem))
  const admin = await users.addFirstAdmin({ username, passwordHash: await passwords.hash(password) })
  if (admin === undefined && !(await users.hasAdmin()))
    throw settingError('ADMIN_USERNAME', username, 'somebody who is no admin is called that already: give another name')
  return admin === undefined || adminPassword !== undefined ? undefined : { username, password }
}

function sentence(text: string): string {
  return text.replace(/\.$/, '').replace(/^A /, 'a ')
}
