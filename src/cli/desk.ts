import { existsSync } from 'node:fs'
import { parseConfig } from '../app/config.js'
import type { AppContext } from '../app/context.js'
import { openContext } from '../app/open-context.js'
import type { Terminal } from './command.js'
import { deskLog } from './desk-log.js'

/** It could not be done, for a reason that is nobody's mistake in typing: exit code 1, and this one line. */
export class Failure extends Error {}

/**
 * Does something with the database that the server works with, beside a running server or without one. Where there is none,
 * one is made, unless it is only to be looked at: then a mistyped path would say that all is empty.
 */
export async function atDesk<T>(terminal: Terminal, open: { readonly make: boolean }, work: (context: AppContext) => Promise<T>): Promise<T> {
  const config = parseConfig(terminal.env)
  if (!open.make && !existsSync(config.databasePath)) throw new Failure(noDatabase(config.databasePath))
  const { log, written } = deskLog(terminal)
  const context = await openContext(config, { log })
  try {
    return await work(context)
  } finally {
    await context.close()
    await written()
  }
}

export function noDatabase(path: string): string {
  return `There is no database at ${path}: set DATABASE_URL, or make one with 'belfry migrate'.`
}

/** Shows what can't be shown again; where that fails, the Failure goes on with what to do instead. */
export async function showOnce({ out }: Terminal, text: string, otherwise: string): Promise<void> {
  try {
    await out.write(text)
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : String(error)} ${otherwise}`)
  }
}

/** Lines up columns; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** What somebody typed, without what would move the cursor or colour the terminal. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD')
}
