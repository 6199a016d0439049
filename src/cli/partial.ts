import { chmodSync, chownSync, closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Failure } from './desk.js'

const SUFFIXES = ['', '-wal', '-shm', '-journal']
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Takes a moment in which a signal that came meanwhile ends the process. */
type Pause = () => Promise<void>

/**
 * Gives `work` a name beside the destination for what isn't whole yet, and clears it away whatever happens: also where a signal ends the process, and
 * what a process left that was killed. SQLite holds the thread, so signals are heard when `work` pauses.
 */
export async function withPartial<T>(destination: string, work: (partial: string, pause: Pause) => Promise<T>): Promise<T> {
  const partial = `${destination}.${process.pid}.partial`
  const end = (signal: NodeJS.Signals) => {
    stop()
    process.kill(process.pid, signal)
  }
  const stop = () => {
    if (existsSync(partial)) clear(partial)
    for (const signal of SIGNALS) process.off(signal, end)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    begin(destination, partial)
    return await work(partial, heedSignals)
  } catch (error) {
    throw cannotWrite(destination, error)
  } finally {
    stop()
  }
}

function begin(destination: string, partial: string): void {
  if (!existsSync(dirname(destination))) throw new Failure(`There is no folder ${dirname(destination)}.`)
  clearStale(destination)
  closeSync(openSync(partial, 'wx', 0o600))
}

/** In a sentence what the system, or SQLite at work on the file, says of a place that can't take it; any other error as it is. */
export function cannotWrite(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (/^(ENOSPC|EDQUOT|SQLITE_FULL|SQLITE_IOERR)/.test(String(error.code)))
    return new Failure(`${file} can't be written (${reasonOf(error)}): mostly the disk is full, so make room or choose another place.`)
  if (!('syscall' in error)) return error
  return new Failure(`${file} can't be written (${reasonOf(error)}): choose a place that this user may write to.`)
}

/** Without the code and the name of the file that stands there for a moment only. */
function reasonOf({ message }: Error): string {
  return message.replace(/^[A-Z]+: /, '').replace(/, \w+ '.*$/s, '')
}

/** Twice: the first may come before the event loop has looked for what is new. */
async function heedSignals(): Promise<void> {
  await turn()
  await turn()
}

function clear(partial: string): void {
  for (const suffix of SUFFIXES) rmSync(partial + suffix, { force: true })
}

/** Those of this process are of another one that had its number. */
function clearStale(destination: string): void {
  const folder = dirname(destination)
  for (const name of readdirSync(folder)) {
    const [, whose, pid] = /^(.*)\.(\d+)\.partial$/.exec(name) ?? []
    if (whose === basename(destination) && (Number(pid) === process.pid || !isAlive(Number(pid)))) clear(join(folder, name))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code !== 'ESRCH'
  }
}

/** Gives a file to whoever has the one that it is to replace, with the same rights; where there is none, to whoever has its folder. Returns false where this user may not. */
export function handOver(file: string, replaced: string): boolean {
  const there = existsSync(replaced)
  const { uid, gid, mode } = statSync(there ? replaced : dirname(replaced))
  if (there) chmodSync(file, mode & 0o777)
  const own = statSync(file)
  if (own.uid === uid && own.gid === gid) return true
  try {
    chownSync(file, uid, gid)
    return true
  } catch {
    return own.uid === uid
  }
}

export function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
