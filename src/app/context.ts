import type { RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import type { Notifications } from '../notifications/index.js'
import type { Accounts } from './accounts.js'
import type { Config } from './config.js'
import type { AppDatabase } from './database.js'
import type { Passwords } from './passwords.js'
import type { SessionStore } from './session.js'
import type { Users } from './users.js'

/** What every route of the app works with; `openContext` makes it, with or without a server around it. */
export interface AppContext {
  readonly config: Config
  readonly log: Logger
  readonly database: AppDatabase
  readonly users: Users
  /** Changes of users with all that follows from them: sessions and sockets end, roles reach open pages. */
  readonly accounts: Accounts
  readonly passwords: Passwords
  readonly sessions: SessionStore
  /** The one express-session middleware, which the plugin uses, too. */
  readonly session: RequestHandler
  readonly notifications: Notifications
  /** Answers with `views/app/<view>.ejs` inside the layout. The view sees `locals`, `me` (who is signed in, or null) and `asset`. */
  page(res: Response, view: string, locals: PageLocals, status?: number): Promise<void>
  /** Lets go of everything: live connections end with 1012, the database closes. */
  close(): Promise<void>
}

/** What a view is given; `title` is text, the layout puts the unread count before it. */
export interface PageLocals extends Readonly<Record<string, unknown>> {
  readonly title: string
  /** Which place of the header this is, as the layout names them; none unless told. */
  readonly current?: string
  /** More HTML for `<head>`, after the plugin's, such as a script of this page. */
  readonly head?: string
}
