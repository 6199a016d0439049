import { Tokens } from '../app/tokens.js'
import { type Command, name, UsageError } from './command.js'
import { atDesk, Failure, plain, showOnce, table } from './desk.js'

const add: Command = {
  usage: 'token add NAME',
  about: 'Makes a token for scripts and prints it, this once.',
  async run(given, terminal) {
    const made = await atDesk(terminal, { make: true }, ({ database }) => new Tokens(database).add(name(given), null))
    await showOnce(
      terminal,
      `${made.token}\n`,
      `Nobody knows token ${made.id} now: take it back with 'belfry token revoke ${made.id}', and make another.`,
    )
    await terminal.err.write(`Token ${made.id}, ${plain(made.name)}. Keep it: it can't be shown again.\n`)
    return 0
  },
}

const list: Command = {
  usage: 'token list',
  about: 'Lists the tokens of scripts, without their secrets.',
  options: { json: { about: 'as JSON' } },
  async run({ options }, terminal) {
    const tokens = await atDesk(terminal, { make: false }, ({ database }) => new Tokens(database).list())
    const shown = tokens.map(({ id, name, createdAt, createdBy, lastUsedAt, revokedAt }) => {
      return { id, name, createdAt: iso(createdAt), createdBy, lastUsedAt: iso(lastUsedAt), revokedAt: iso(revokedAt) }
    })
    const rows = shown.map(({ id, name, createdAt, lastUsedAt, revokedAt }) => [
      String(id),
      plain(name),
      createdAt ?? '',
      lastUsedAt ?? 'never',
      revokedAt ?? '',
    ])
    await terminal.out.write(options.json ? `${JSON.stringify(shown, null, 2)}\n` : table([['ID', 'NAME', 'MADE', 'LAST USED', 'REVOKED'], ...rows]))
    return 0
  },
}

const revoke: Command = {
  usage: 'token revoke ID',
  about: 'Takes a token back: from now on it opens nothing.',
  async run(given, terminal) {
    const id = name(given)
    if (!/^[1-9]\d{0,14}$/.test(id)) throw new UsageError("ID is a number, as 'belfry token list' shows it.")
    const token = await atDesk(terminal, { make: false }, ({ database }) => new Tokens(database).revoke(Number(id)))
    if (token === undefined) throw new Failure(`There is no token ${id}.`)
    await terminal.out.write(`Token ${id}, ${plain(token.name)}, is revoked.\n`)
    return 0
  },
}

export const tokenCommands: readonly Command[] = [add, list, revoke]

function iso(moment: number | null): string | null {
  return moment === null ? null : new Date(moment).toISOString()
}
