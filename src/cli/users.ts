import type { AppContext } from '../app/context.js'
import { makePassword } from '../app/first-admin.js'
import { ROLES, type Role, type User } from '../app/users.js'
import { type Command, type Given, name, option, type Terminal } from './command.js'
import { atDesk, Failure, showOnce, table } from './desk.js'

const PASSWORD = { value: 'PASSWORD', about: "their password; '-' reads it from standard input, and without this one is made and printed" }
/** A password is shorter, so whatever is longer than this is none. */
const LONGEST_LINE = 1000
/** How many are read at once for the list. */
const PORTION = 1000

const add: Command = {
  usage: 'user add NAME',
  about: 'Adds somebody who can sign in.',
  options: { role: { value: 'ROLE', about: `${ROLES.join(' or ')}; member unless told`, oneOf: ROLES }, password: PASSWORD },
  async run(given, terminal) {
    const password = await readPassword(given, terminal)
    const role = (option(given, 'role') ?? 'member') as Role
    const user = await atDesk(terminal, { make: true }, ({ accounts }) => accounts.add({ username: name(given), password: password.text, role }))
    if (password.made) await showSignIn(terminal, user, password.text)
    else await terminal.out.write(`Added ${user.username} (${user.role}).\n`)
    return 0
  },
}

const list: Command = {
  usage: 'user list',
  about: 'Lists everybody who can sign in, and those who are disabled.',
  options: { json: { about: 'as JSON' } },
  async run({ options }, terminal) {
    const users = await atDesk(terminal, { make: false }, everybody)
    const shown = users.map(({ id, username, role, createdAt, disabledAt }) => ({
      id,
      username,
      role,
      createdAt: iso(createdAt),
      disabledAt: iso(disabledAt),
    }))
    const rows = shown.map(({ id, username, role, createdAt, disabledAt }) => [String(id), username, role, createdAt ?? '', disabledAt ?? ''])
    await terminal.out.write(options.json ? `${JSON.stringify(shown, null, 2)}\n` : table([['ID', 'NAME', 'ROLE', 'SINCE', 'DISABLED'], ...rows]))
    return 0
  },
}

const password: Command = {
  usage: 'user password NAME',
  about: 'Sets the password of somebody, and signs them out everywhere.',
  options: { password: PASSWORD },
  async run(given, terminal) {
    const password = await readPassword(given, terminal)
    const user = await change(given, terminal, async ({ accounts }, user) => void (await accounts.setPassword(user, password.text)))
    if (password.made) await showSignIn(terminal, user, password.text)
    else await terminal.out.write(`${user.username} has a new password and is signed out everywhere.\n`)
    return 0
  },
}

const disable: Command = {
  usage: 'user disable NAME',
  about: 'Signs somebody out everywhere and lets them sign in no more.',
  async run(given, terminal) {
    const user = await change(given, terminal, ({ accounts }, user) => accounts.disable(user))
    await terminal.out.write(`${user.username} is disabled and signed out everywhere.\n`)
    return 0
  },
}

const enable: Command = {
  usage: 'user enable NAME',
  about: 'Lets somebody who was disabled sign in again.',
  async run(given, terminal) {
    const user = await change(given, terminal, ({ accounts }, user) => accounts.enable(user))
    await terminal.out.write(`${user.username} can sign in.\n`)
    return 0
  },
}

export const userCommands: readonly Command[] = [add, list, password, disable, enable]

function change(given: Given, terminal: Terminal, apply: (context: AppContext, user: User) => Promise<void>): Promise<User> {
  return atDesk(terminal, { make: false }, async (context) => {
    const user = await context.users.byName(name(given))
    if (user === undefined) throw new Failure(`There is nobody called ${name(given)}.`)
    await apply(context, user)
    return user
  })
}

async function everybody({ users }: AppContext): Promise<readonly User[]> {
  const all: User[] = []
  for (;;) {
    const portion = await users.list({ after: all.at(-1)?.username ?? '', limit: PORTION })
    all.push(...portion)
    if (portion.length < PORTION) return all
  }
}

async function readPassword(given: Given, { input }: Terminal): Promise<{ readonly text: string; readonly made: boolean }> {
  const text = option(given, 'password')
  if (text === undefined) return { text: makePassword(), made: true }
  return { text: text === '-' ? await firstLine(input) : text, made: false }
}

/** What follows is left unread, and need not have an end: somebody who types sends no more than the line. */
async function firstLine(input: Terminal['input']): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of input) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.includes('\n') || text.length > LONGEST_LINE) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}

function showSignIn(terminal: Terminal, { username }: User, password: string): Promise<void> {
  const otherwise = `Nobody knows the password of ${username} now: 'belfry user password ${username}' makes another.`
  return showOnce(terminal, `Sign in as ${username} with password ${password}\n`, otherwise)
}

function iso(moment: number | null): string | null {
  return moment === null ? null : new Date(moment).toISOString()
}
