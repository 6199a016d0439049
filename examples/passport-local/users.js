import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import Database from 'better-sqlite3'

/** The app's own database, with its own tables. Belfry adds its tables beside them. */
export const db = new Database(process.env.DATABASE ?? 'blog.db')
db.pragma('journal_mode = WAL')
db.exec(`
  CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, role TEXT NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS comments (id INTEGER PRIMARY KEY, author INTEGER NOT NULL, text TEXT NOT NULL CHECK (length(text) > 0));
`)

export const users = {
  byId: (id) => db.prepare('SELECT id, name, role FROM users WHERE id = ?').get(id),
  others: (id) => db.prepare('SELECT id, name FROM users WHERE id <> ?').all(id),
  verify(name, password) {
    const user = db.prepare('SELECT * FROM users WHERE name = ?').get(name)
    return user && timingSafeEqual(user.hash, scryptSync(password, user.salt, 32)) ? users.byId(user.id) : false
  },
  add(name, role, password) {
    const salt = randomBytes(16)
    const added = db.prepare('INSERT INTO users (name, role, salt, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    added.run(name, role, salt, scryptSync(password, salt, 32))
  },
}

for (const [name, role] of [['ada', 'editor'], ['bo', 'reader']]) users.add(name, role, `${name}'s password`)
