import { parseConfig } from './app/config.js'
import { type Output, runApp } from './app/main.js'
import { belfryVersion } from './app/version.js'
import { withReason } from './app/words.js'
import { backup, restore } from './cli/backup.js'
import { type Command, readArguments, type Terminal, UsageError, wordsOf } from './cli/command.js'
import { atDesk } from './cli/desk.js'
import { notify } from './cli/notify.js'
import { prune } from './cli/prune.js'
import { tokenCommands } from './cli/tokens.js'
import { userCommands } from './cli/users.js'

const start: Command = {
  usage: 'start',
  about: 'Starts the server. Settings come from the environment.',
  run: (_given, { env, out, err }) => runApp(env, out, err),
}

const migrate: Command = {
  usage: 'migrate',
  about: 'Makes the database, or brings it up to date.',
  async run(_given, terminal) {
    await atDesk(terminal, { make: true }, async () => {})
    await terminal.out.write(`The database ${parseConfig(terminal.env).databasePath} is up to date.\n`)
    return 0
  },
}

const commands: readonly Command[] = [start, migrate, ...userCommands, notify, ...tokenCommands, prune, backup, restore]

/**
 * Runs one command line, without the program's own name. Returns the exit code: 0 done, 1 failed, 2 wrongly used.
 * What was asked for goes to `out`, all else to `err`; never a stack trace.
 */
export async function run(
  argv: readonly string[],
  out: Output,
  err: Output,
  { env, input }: Pick<Terminal, 'env' | 'input'> = { env: process.env, input: process.stdin },
): Promise<number> {
  const command = commands.find((candidate) => wordsOf(candidate).every((word, index) => argv[index] === word))
  const helpWanted = argv.includes('--help') || argv.includes('-h')
  try {
    if (command === undefined) return await overview(argv, helpWanted, out, err)
    if (helpWanted) {
      await out.write(helpFor(command))
      return 0
    }
    return await command.run(readArguments(command, argv.slice(wordsOf(command).length)), { out, err, env, input })
  } catch (error) {
    const wrongUse = error instanceof UsageError
    await err.write(`${withReason(error)}\n`)
    if (wrongUse && command !== undefined) await err.write(`See 'belfry ${wordsOf(command).join(' ')} --help'.\n`)
    return wrongUse ? 2 : 1
  }
}

/** Help on all commands, or on those that begin as told; wrong use where nobody asked for help. */
async function overview(argv: readonly string[], helpWanted: boolean, out: Output, err: Output): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    await out.write(`${belfryVersion()}\n`)
    return 0
  }
  const words = argv.filter((word) => !word.startsWith('-'))
  const fitting = commands.filter((command) => words.every((word, index) => wordsOf(command)[index] === word))
  if (helpWanted && fitting.length > 0) {
    await out.write(listOf(fitting))
    return 0
  }
  if (fitting.length === 0) await err.write(`There is no command ${JSON.stringify(words.slice(0, 2).join(' '))}.\n`)
  await err.write(listOf(fitting.length > 0 ? fitting : commands))
  return 2
}

function listOf(shown: readonly Command[]): string {
  const width = Math.max(...shown.map(({ usage }) => usage.length))
  const lines = shown.map(({ usage, about }) => `  belfry ${usage.padEnd(width)}  ${about}`)
  return [
    'Usage: belfry COMMAND',
    '',
    ...lines,
    '',
    "'belfry COMMAND --help' tells more, 'belfry --version' which version this is; settings such as DATABASE_URL come from the environment.",
    '',
  ].join('\n')
}

function helpFor({ usage, about, options = {} }: Command): string {
  const shown = Object.entries(options).map(
    ([name, { value, about, needed }]) => [`--${name}${value === undefined ? '' : ` ${value}`}`, about, needed] as const,
  )
  const width = Math.max(0, ...shown.map(([flag]) => flag.length))
  const must = shown.filter(([, , needed]) => needed).map(([flag]) => ` ${flag}`)
  const lines = shown.map(([flag, about, needed]) => `  ${flag.padEnd(width)}  ${about}${needed ? ' (needed)' : ''}`)
  return [
    `Usage: belfry ${usage}${must.join('')}${shown.length > must.length ? ' [options]' : ''}`,
    '',
    about,
    ...(lines.length > 0 ? ['', ...lines] : []),
    '',
  ].join('\n')
}
