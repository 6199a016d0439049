import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import { OptionError } from '../errors.js'

type Driver = typeof Sqlite

const require = createRequire(import.meta.url)

/**
 * The class that opens databases: the host's, where it gave a handle. The host may have another copy of better-sqlite3 than we have, and
 * SQLite's locks belong to the process: two copies of it do not see each other's, and write over one another
 * (https://www.sqlite.org/howtocorrupt.html, 2.2.1). Throws an OptionError where ours would end the process.
 */
export function driverFor(host: Database | undefined): Driver {
  const theirs = host && driverOf(host)
  if (theirs === undefined) requireRunnable()
  return theirs ?? Sqlite
}

/** The class that has the methods: a subclass of the host's may take other arguments. Undefined where it cannot be told. */
function driverOf(host: Database): Driver | undefined {
  let holder: object | null = Object.getPrototypeOf(host)
  while (holder !== null && !Object.hasOwn(holder, 'transaction')) holder = Object.getPrototypeOf(holder)
  const driver: unknown = holder?.constructor
  return typeof driver === 'function' ? (driver as Driver) : undefined
}

/** better-sqlite3 13 needs Node-API 10, and on a Node without it ends the process without a word. */
function requireRunnable(): void {
  if (Number(process.versions.napi ?? 0) >= 10 || !/^1[3-9]/.test(ourVersion())) return
  throw new OptionError(
    `better-sqlite3 13 and later does not run on Node ${process.versions.node}: install better-sqlite3@12 (with pnpm, Yarn or Bun by "resolutions" in package.json), or a newer Node.`,
  )
}

/** Instead of the thirteen places where a better-sqlite3 that was never compiled has been looked for: what to do. Any other error is given back. */
export function driverFailure(error: unknown): unknown {
  if (!(error instanceof Error && error.message.startsWith('Could not locate the bindings file'))) return error
  return new OptionError(
    `better-sqlite3 ${ourVersion()} is installed without its compiled part: its install script was not run, or the part was left behind where the app was copied. ` +
      'Allow the script (`npm install-scripts approve better-sqlite3`, or `pnpm approve-builds`) and run `npm rebuild better-sqlite3`, or `pnpm rebuild better-sqlite3`. ' +
      'On Node 22 and later better-sqlite3@13 needs none.',
  )
}

function ourVersion(): string {
  const { version } = JSON.parse(readFileSync(join(dirname(require.resolve('better-sqlite3')), '..', 'package.json'), 'utf8')) as {
    readonly version: string
  }
  return version
}

/** What the operator should know of the drivers that this process has loaded, in whole sentences. */
export function driverWarnings(host: Database | undefined): readonly string[] {
  const loaded = Object.keys(require.cache).filter((file) => /better-sqlite3.*\.node$/.test(file))
  const warnings: string[] = []
  if (host === undefined && loaded.length > 1)
    warnings.push(
      `This process has loaded better-sqlite3 more than once (${loaded.join(', ')}). If it opens the database with another copy than Belfry does, ` +
        'their locks do not hold against each other, and what was stored can be lost. Give createNotifications your open Database instead of its path, or install the version that Belfry has.',
    )
  // https://github.com/nodejs/node/issues/65446: told by what the addon was compiled with, not by its version.
  if (process.version.startsWith('v24.') && loaded.some((file) => readFileSync(file).includes('RemoveEnvironmentCleanupHook')))
    warnings.push(
      `better-sqlite3 12 as compiled for Node ${process.versions.node} ends the process now and then (RemoveEnvironmentCleanupHook: 'Assertion failed'). Install better-sqlite3@13.`,
    )
  return warnings
}

/**
 * Whether another copy of SQLite in this process has the file open, too, whoever brought it: `sqlite3`, libsql, Node itself. Each copy maps the beginning
 * of the index of the write-ahead log once, for all of its connections, and may delete the file of that index under the other. False where that cannot be told: only Linux lists what is mapped.
 * @param path as SQLite opened it, absolute
 */
export async function isOpenTwice(path: string): Promise<boolean> {
  const maps = await readFile('/proc/self/maps', 'utf8').catch(() => '')
  const beginnings = maps.split('\n').filter((line) => line.replace(/ \(deleted\)$/, '').endsWith(` ${path}-shm`) && / 0{8,} /.test(line))
  return beginnings.length > 1
}
