import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const SECRET = 'only for measuring'
const DAY = 86_400_000

/** Users 1 to `count`, each signed in: a session in SQLite, and the header of its cookie. */
export interface People {
  /** What a server of `servers/` needs to know them. */
  readonly settings: { readonly sessions: string; readonly secret: string }
  /** A file with a Cookie header a line, in the order of the users. */
  readonly cookies: string
  /** The same without the first ones. */
  cookiesFrom(first: number): string
  /** The value of the Cookie header of the user of that number, from 1. */
  cookie(user: number): string
}

export function signIn(folder: string, count: number): People {
  const path = join(folder, `sessions-${count}.db`)
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.exec('CREATE TABLE sessions (sid TEXT PRIMARY KEY, session TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID')
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?, ?)')
  const expires = Date.now() + DAY
  const cookie = { originalMaxAge: DAY, expires: new Date(expires).toISOString(), httpOnly: true, path: '/' }
  const values = Array.from({ length: count }, () => randomBytes(24).toString('base64url'))
  db.transaction(() => {
    for (const [index, sid] of values.entries()) insert.run(sid, JSON.stringify({ cookie, userId: String(index + 1) }), expires)
  })()
  db.close()
  const headers = values.map(signed)
  const cookiesFrom = (first: number) => {
    const file = join(folder, `cookies-${count}-${first}`)
    writeFileSync(
      file,
      headers
        .slice(first)
        .map((value) => `Cookie: ${value}\n`)
        .join(''),
    )
    return file
  }
  return { settings: { sessions: path, secret: SECRET }, cookies: cookiesFrom(0), cookiesFrom, cookie: (user) => headers[user - 1] ?? '' }
}

/** As express-session signs its cookie. */
function signed(sid: string): string {
  const signature = createHmac('sha256', SECRET).update(sid).digest('base64').replace(/=+$/, '')
  return `connect.sid=${encodeURIComponent(`s:${sid}.${signature}`)}`
}
