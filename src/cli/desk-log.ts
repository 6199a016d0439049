import { type Logger, pino } from 'pino'
import type { Terminal } from './command.js'

/** What a server would warn of, for whoever typed the command: some of it is told once, by whichever process comes first. */
export interface DeskLog {
  readonly log: Logger
  /** Resolves when all of it is handed over. */
  written(): Promise<void>
}

/** Each message as a line on standard error: `A row … is skipped (seq 7, reason title).` */
export function deskLog({ err }: Pick<Terminal, 'err'>): DeskLog {
  let last = Promise.resolve()
  const write = (line: string) => {
    last = last.then(async () => {
      await err.write(`${inWords(JSON.parse(line))}\n`)
    })
  }
  const log = pino({ level: 'warn', base: null, timestamp: false, serializers: { err: ({ message }: Error) => message } }, { write })
  return { log, written: () => last }
}

function inWords({ msg, level: _, ...details }: { readonly msg: string; readonly level: number }): string {
  const facts = Object.entries(details).map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`)
  return `${msg.charAt(0).toUpperCase()}${msg.slice(1).replace(/\.$/, '')}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}.`
}
