import { disabledOrUnknown, listed, lookUp } from '../app/addressees.js'
import { send } from '../app/send.js'
import { CLI_SENDER } from '../app/sent.js'
import { ROLES, type Users } from '../app/users.js'
import { type Draft, LEVELS, type Level, type Recipients } from '../notifications/index.js'
import { type Command, type Given, option, UsageError } from './command.js'
import { atDesk, Failure } from './desk.js'

const TOPICS = ROLES.map((role) => `role:${role}`)

export const notify: Command = {
  usage: 'notify',
  about: 'Sends a notification; the badges of a running server show it at once.',
  options: {
    to: { value: 'WHOM', about: 'user:<username>, topic:role:<role> or everyone', needed: true },
    title: { value: 'TEXT', about: '1 to 200 characters', needed: true },
    body: { value: 'TEXT', about: 'to 5,000 characters' },
    url: { value: 'URL', about: 'https://…, or a path of the site' },
    level: { value: 'LEVEL', about: `${listed(LEVELS, 'or')}; info unless told`, oneOf: LEVELS },
    category: { value: 'TEXT', about: 'what it is about' },
  },
  async run(given, terminal) {
    const to = option(given, 'to') ?? ''
    const [, kind, name] = /^(user|topic):(.+)$/su.exec(to) ?? []
    if (to !== 'everyone' && (kind === undefined || name === undefined)) throw new UsageError('--to takes user:<username>, topic:<name> or everyone.')
    const stored = await atDesk(terminal, { make: false }, async (context) => {
      return send(context, draftOf(given, await recipients(context.users, kind, name)))
    })
    await terminal.out.write(`Sent to ${to}: ${stored.id}\n`)
    return 0
  },
}

function draftOf(given: Given, to: Recipients): Draft {
  const [body, url, category] = ['body', 'url', 'category'].map((name) => option(given, name))
  return { to, title: option(given, 'title') ?? '', body, url, category, level: option(given, 'level') as Level | undefined, sender: CLI_SENDER }
}

async function recipients(users: Users, kind: string | undefined, name = ''): Promise<Recipients> {
  if (kind === undefined) return 'everyone'
  if (kind === 'topic') {
    if (!TOPICS.includes(name)) throw new Failure(`There is no topic ${name}: there are ${listed(TOPICS, 'and')}.`)
    return { topic: name }
  }
  const find = await lookUp(users, [name])
  const problem = disabledOrUnknown([name], find)
  if (problem !== undefined) throw new Failure(problem)
  return { user: find(name)?.id ?? '' }
}
