import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Environment, parseConfig } from '../../src/app/config.js'
import type { AppContext } from '../../src/app/context.js'
import { type RunningApp, type StartOptions, startApp } from '../../src/app/main.js'
import type { Role, User } from '../../src/app/users.js'
import { Visitor } from './visitor.js'

/** Everybody's password in tests. */
export const PASSWORD = 'a password for tests'

/** The app in this process, on a free port, with its data in a folder of its own and an admin named `admin`. */
export class TestApp implements AsyncDisposable {
  readonly folder: string
  readonly running: RunningApp

  constructor(folder: string, running: RunningApp) {
    this.folder = folder
    this.running = running
  }

  get url(): string {
    return this.running.url
  }

  get context(): AppContext {
    return this.running.context
  }

  get notifications(): AppContext['notifications'] {
    return this.context.notifications
  }

  addUser(username: string, role: Role = 'member'): Promise<User> {
    return this.context.accounts.add({ username, password: PASSWORD, role })
  }

  /** Somebody signed in, who is made first where there is nobody of that name. */
  async signIn(username: string, role: Role = 'member'): Promise<Visitor> {
    if ((await this.context.users.byName(username)) === undefined) await this.addUser(username, role)
    return Visitor.signedIn(this.url, username, PASSWORD)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Starts it with these settings; passwords are hashed cheaply, or tests would do little else. */
export async function startTestApp(settings: Environment = {}, options: Partial<StartOptions> = {}): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-app-'))
  const config = parseConfig({ PORT: '0', DATABASE_URL: join(folder, 'belfry.db'), ADMIN_PASSWORD: PASSWORD, ...settings })
  return new TestApp(folder, await startApp(config, { log: pino({ level: 'silent' }), passwordCost: 1024, ...options }))
}
