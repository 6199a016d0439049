import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { Environment } from '../app/config.js'
import type { Output } from '../app/main.js'

/** What a command line is run with. */
export interface Terminal {
  readonly out: Output
  readonly err: Output
  readonly env: Environment
  /** Where a password is read from when it is given as `-`. */
  readonly input: AsyncIterable<string | Uint8Array>
}

/** What was written after the name of a command. */
export interface Given {
  /** One for each name in the command's usage. */
  readonly names: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

export interface Command {
  /** As in `user add NAME`: lower-case words are the command, capitals stand for what is to be given. */
  readonly usage: string
  readonly about: string
  /** Option → what it means; `json` and `force` take no value. Those with `needed` must be given. */
  readonly options?: Readonly<
    Record<string, { readonly about: string; readonly value?: string; readonly needed?: boolean; readonly oneOf?: readonly string[] }>
  >
  /** Returns the exit code; whatever it throws is 1. */
  run(given: Given, terminal: Terminal): Promise<number>
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** The words of a command: `user`, `add`. */
export function wordsOf({ usage }: Command): readonly string[] {
  return usage.split(' ').filter((word) => /^[a-z]+$/.test(word))
}

/** Reads what follows the words of a command. Throws UsageError with a sentence. */
export function readArguments(command: Command, argv: readonly string[]): Given {
  const { values, positionals, tokens } = parse(command, argv)
  const wanted = command.usage.split(' ').filter((word) => /^[A-Z]+$/.test(word))
  const missing = wanted[positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing.`)
  const extra = positionals[wanted.length]
  if (extra !== undefined) throw new UsageError(`${JSON.stringify(extra)} is one too many.`)
  const named = tokens.filter((token) => token.kind === 'option').map(({ name }) => name)
  const twice = named.find((name, index) => named.indexOf(name) !== index)
  if (twice !== undefined) throw new UsageError(`--${twice} is given more than once.`)
  for (const [name, { needed, oneOf }] of Object.entries(command.options ?? {})) {
    const value = values[name]
    if (needed && value === undefined) throw new UsageError(`--${name} is missing.`)
    if (oneOf !== undefined && value !== undefined && !oneOf.includes(String(value)))
      throw new UsageError(`--${name} takes one of ${oneOf.join(', ')}.`)
  }
  return { names: positionals, options: values }
}

function parse(command: Command, argv: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { value }] of Object.entries(command.options ?? {})) options[name] = { type: value === undefined ? 'boolean' : 'string' }
  try {
    const { values, positionals, tokens } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true, tokens: true })
    return { values: values as Given['options'], positionals, tokens }
  } catch (error) {
    throw new UsageError(error instanceof Error ? `${error.message.split('. ')[0]?.replace(/\.$/, '')}.` : String(error))
  }
}

/** The text of an option; undefined where it was not given. */
export function option({ options }: Given, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** What a positional name stands for; they have all been counted. */
export function name({ names }: Given, index = 0): string {
  return names[index] ?? ''
}
