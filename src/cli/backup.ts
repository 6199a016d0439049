import { existsSync, linkSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { type Config, parseConfig, settingError } from '../app/config.js'
import { ANOTHER_APPS, isOfAnotherApp, makeFolder } from '../app/database.js'
import { openContext } from '../app/open-context.js'
import { renewEpoch } from '../notifications/index.js'
import { type Command, name, type Terminal } from './command.js'
import { Failure, noDatabase } from './desk.js'
import { deskLog } from './desk-log.js'
import { cannotWrite, handOver, sync, withPartial } from './partial.js'

/** For how long a lock of another process may hold up the command, in milliseconds. */
const PATIENCE = 5000

export const backup: Command = {
  usage: 'backup FILE',
  about: 'Copies the database into a new file, while the server runs or not.',
  async run(given, { env, out }) {
    const { databasePath } = parseConfig(env)
    const file = resolve(name(given))
    if (!existsSync(databasePath)) throw new Failure(noDatabase(databasePath))
    if (existsSync(file)) throw new Failure(`${file} is there already: choose another name.`)
    await withPartial(file, async (partial, pause) => {
      expectWhole(databasePath)
      await pause()
      copy(databasePath, partial)
      await pause()
      expectTables(partial, ['notification_meta'], `${databasePath} is no database of Belfry's.`)
      detach(partial)
      give(partial, file)
    })
    await out.write(`The database is copied to ${file}\n`)
    return 0
  },
}

export const restore: Command = {
  usage: 'restore FILE',
  about: 'Puts a backup in the place of the database. The server must be stopped; everybody signs in anew.',
  options: { force: { about: 'replace a database that is there' } },
  async run(given, { env, out, err }) {
    const config = parseConfig(env)
    const file = resolve(name(given))
    // What a link leads to is replaced, not the link: who opens the file by its own path is to find the same.
    const target = existsSync(config.databasePath) ? realpathSync(config.databasePath) : resolve(config.databasePath)
    if (!existsSync(file)) throw new Failure(`There is no file ${file}.`)
    if (existsSync(target) && !given.options.force) throw new Failure(`There is a database at ${target}: add --force to replace it.`)
    expectNotAnothers(target)
    makeFolderFor(target)
    const handedOver = await withPartial(target, async (partial, pause) => {
      expectWhole(file)
      await pause()
      copy(file, partial)
      await pause()
      expectTables(partial, ['notification_meta', 'app_migrations'], `${file} is no backup of Belfry's.`)
      await tryOut(config, partial, { err })
      detach(partial)
      const handedOver = handOver(partial, target)
      sync(partial)
      await pause()
      makeWay(target)
      renameSync(partial, target)
      sync(dirname(target))
      return handedOver
    })
    await out.write(`The database at ${target} is as it was in ${file}. Sessions are not: everybody signs in anew.\n`)
    if (!handedOver) await err.write(`${target} now belongs to you, and not to whom it belonged: see to it that the server may write it.\n`)
    return 0
  },
}

function makeFolderFor(file: string): void {
  try {
    makeFolder(dirname(file))
  } catch (error) {
    throw cannotWrite(file, error)
  }
}

function expectWhole(file: string): void {
  read(file, (db) => {
    const damage = db.pragma('quick_check(1)', { simple: true })
    if (damage !== 'ok') throw new Failure(`${file} is damaged: ${String(damage)}`)
  })
}

/**
 * One snapshot, however much is written meanwhile: the page-by-page backup of SQLite starts again with every commit of
 * another process, and beside a busy server might never end.
 */
function copy(from: string, to: string): void {
  read(from, (db) => void db.prepare('VACUUM INTO ?').run(to))
}

function read(file: string, work: (db: Database.Database) => void): void {
  const db = openFile(file)
  try {
    work(db)
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_NOTADB') throw new Failure(`${file} is no database.`)
    // Of the place of the copy, not of what is copied.
    const full = error instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR_WRITE)/.test(error.code)
    throw error instanceof Database.SqliteError && !full ? new Failure(`${file} can't be copied: ${error.message}.`) : error
  } finally {
    db.close()
  }
}

function openFile(path: string): Database.Database {
  try {
    return new Database(path, { fileMustExist: true, timeout: PATIENCE })
  } catch (error) {
    throw new Failure(`${path} can't be opened: ${error instanceof Error ? error.message : 'no reason was given'}.`)
  }
}

/** A copy goes its own way: clients must not take its versions for the original's, and a session that has ended must not come back with it. */
function detach(file: string): void {
  const copy = new Database(file, { fileMustExist: true })
  try {
    copy.transaction(() => {
      renewEpoch(copy)
      // Another app's may have a table of that name, too.
      if (!isOfAnotherApp(copy)) copy.exec('DELETE FROM sessions')
    })()
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
  sync(file)
}

/** An empty file or another program's database would be migrated without a word. */
function expectTables(file: string, names: readonly string[], otherwise: string): void {
  const db = new Database(file, { readonly: true })
  try {
    const found = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck().all()
    if (!names.every((name) => found.includes(name))) throw new Failure(otherwise)
  } finally {
    db.close()
  }
}

/** What is damaged, or no database, may be anybody's: it is what a backup is put in the place of. */
function expectNotAnothers(target: string): void {
  if (!existsSync(target)) return
  const db = openFile(target)
  try {
    if (isOfAnotherApp(db)) throw new Failure(settingError('DATABASE_URL', target, ANOTHER_APPS).message)
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error
  } finally {
    db.close()
  }
}

/** Opens a copy as the server would: what it can't work with must not take the place of what it can. */
async function tryOut(config: Config, file: string, terminal: Pick<Terminal, 'err'>): Promise<void> {
  const { log, written } = deskLog(terminal)
  const context = await openContext({ ...config, databasePath: file, sessionSecret: 'used for nothing here' }, { log })
  await context.close()
  await written()
}

/**
 * Takes the old database out of the way, if nobody has it open. To leave the write-ahead log, SQLite needs the file for
 * itself alone: every process that has it open, idle or not, is in the way of that, and one that was killed is not.
 */
function makeWay(target: string): void {
  if (existsSync(target)) {
    const old = new Database(target, { timeout: 1000 })
    try {
      old.pragma('journal_mode = DELETE')
    } catch (error) {
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
        throw new Failure(`${target} is in use: stop the server first.`)
    } finally {
      old.close()
    }
  }
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(target + suffix, { force: true })
}

/** Puts a whole file under its name, which must not be taken: a hard link can't replace anything, a rename could. */
function give(partial: string, file: string): void {
  try {
    linkSync(partial, file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw new Failure(`${file} is there already: choose another name.`)
    throw error
  }
  sync(dirname(file))
}
