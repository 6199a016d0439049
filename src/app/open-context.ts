import Database from 'better-sqlite3'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createNotifications, migrateSqlite } from '../notifications/index.js'
import { Accounts } from './accounts.js'
import { identityOf, userOf } from './auth.js'
import { type Config, SettingError, settingError } from './config.js'
import type { AppContext } from './context.js'
import { AppDatabase } from './database.js'
import { Passwords } from './passwords.js'
import { SessionStore, sessionMiddleware } from './session.js'
import { Users } from './users.js'
import { layout, page } from './view.js'

export interface ContextOptions {
  readonly log: Logger
  /** Where the plugin's metrics go; without it there are none. */
  readonly registry?: Registry
  /** scrypt's N of new password hashes; 32,768 unless told. */
  readonly passwordCost?: number
}

/** Opens the database, migrates it and joins what the app and its command line work with. */
export async function openContext(config: Config, { log, registry, passwordCost }: ContextOptions): Promise<AppContext> {
  const database = openDatabase(config.databasePath)
  try {
    migrateSqlite(database.handle, { folder: new URL('../../migrations/app/sqlite/', import.meta.url), ledger: 'app_migrations' })
    const users = new Users(database)
    const passwords = new Passwords(passwordCost)
    const sessions = new SessionStore(database, { idle: config.sessionIdle, max: config.sessionMax })
    const session = sessionMiddleware(sessions, config, log)
    const notifications = createNotifications({
      database: config.databasePath,
      session,
      identify: async (req) => {
        const user = await userOf(users, req)
        return user === null ? null : identityOf(user)
      },
      topicsOf: async (id) => {
        const user = await users.byId(Number(id))
        return user === undefined ? null : identityOf(user)
      },
      signInPath: '/login',
      layout: ({ title, head, body, res }) => layout(res, { title, head, body, current: 'inbox' }),
      allowedOrigins: config.allowedOrigins,
      trustProxy: config.trustProxy,
      logger: log,
      registry,
    })
    await notifications.ready()
    database.serve()
    const accounts = new Accounts({ database, users, passwords, sessions, notifications, log })
    const close = async () => {
      sessions.close()
      await notifications.close()
      database.close()
    }
    return { config, log, database, users, accounts, passwords, sessions, session, notifications, page, close }
  } catch (error) {
    database.close()
    throw error instanceof Database.SqliteError ? settingError('DATABASE_URL', config.databasePath, cannotOpen(error)) : error
  }
}

function openDatabase(path: string): AppDatabase {
  try {
    return new AppDatabase(path)
  } catch (error) {
    if (error instanceof SettingError) throw error
    throw settingError('DATABASE_URL', path, cannotOpen(error))
  }
}

const ANOTHER_FILE = 'give the path of a file that this user may read and write'

const KNOWN: Readonly<Record<string, string>> = {
  SQLITE_NOTADB: `that file is not a database: ${ANOTHER_FILE}`,
  EISDIR: `that is a folder: ${ANOTHER_FILE}`,
  SQLITE_BUSY: 'another process keeps it locked: wait for that one or end it, and try again',
  SQLITE_READONLY_DIRECTORY: 'other files are made beside it: let this user write to its folder, too',
}

function cannotOpen(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = error instanceof Error ? error.message : 'for no reason given'
  if (/^(SQLITE_(FULL|IOERR)|ENOSPC)/.test(String(code)))
    return `it cannot be opened (${reason}): mostly the disk is full, so make room and start again`
  return KNOWN[String(code)] ?? `it cannot be opened (${reason}): ${ANOTHER_FILE}`
}
