import { existsSync } from 'node:fs'
import { parseConfig } from '../app/config.js'
import { createNotifications } from '../notifications/index.js'
import { type Command, type Given, option, UsageError } from './command.js'
import { Failure, noDatabase } from './desk.js'

const READ = 'read-after-days'
const UNREAD = 'unread-after-days'

/** Works on the notifications alone, so that apps which embed them can run it on their own database. */
export const prune: Command = {
  usage: 'prune',
  about: 'Takes old notifications out of inboxes and the database, beside a running server, too.',
  options: {
    [READ]: { value: 'DAYS', about: 'what was read, archived, expired or taken back so long ago' },
    [UNREAD]: { value: 'DAYS', about: 'what came so long ago and was not read; broadcasts by this alone' },
    json: { about: 'as JSON' },
  },
  async run(given, { env, out }) {
    const ages = { readAfterDays: days(given, READ), unreadAfterDays: days(given, UNREAD) }
    if (ages.readAfterDays === undefined && ages.unreadAfterDays === undefined) throw new UsageError(`--${READ} or --${UNREAD} is missing.`)
    const { databasePath } = parseConfig(env)
    if (!existsSync(databasePath)) throw new Failure(noDatabase(databasePath))
    const notifications = createNotifications({ database: databasePath, session: (_req, _res, next) => next(), identify: () => null })
    try {
      const pruned = await notifications.prune(ages)
      await out.write(
        given.options.json ? `${JSON.stringify(pruned)}\n` : `Took ${pruned.removed} out of inboxes, deleted ${pruned.deleted} notifications.\n`,
      )
    } finally {
      await notifications.close()
    }
    return 0
  },
}

function days(given: Given, name: string): number | undefined {
  const value = option(given, name)
  if (value === undefined) return undefined
  if (!/^\d{1,6}(\.\d+)?$/.test(value) || Number(value) === 0) throw new UsageError(`--${name} takes a number of days.`)
  return Number(value)
}
