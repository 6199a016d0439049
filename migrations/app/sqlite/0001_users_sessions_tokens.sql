CREATE TABLE users (
  -- AUTOINCREMENT: the id of somebody who is gone never becomes somebody else's.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  username TEXT NOT NULL COLLATE NOCASE UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('member', 'admin')),
  role_since INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  -- Sessions carry the generation that they were opened in; a new password and disabling begin the next.
  generation INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id INTEGER,
  data TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- A tombstone: a slow request that saves late must not bring a destroyed session back.
  ended_at INTEGER,
  -- When the row, dead or alive, may go: no session of this id can be valid later.
  forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_to_forget ON sessions (forget_at);

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  -- sha256 of the token, which is shown once and kept nowhere.
  token_hash TEXT NOT NULL UNIQUE,
  created_by INTEGER REFERENCES users (id),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;
