-- The plugin's tables, triggers and views as all migrations together leave them. To be read, not run: migrations/notifications/sqlite makes
-- them and says why, step by step. Written by `npm run schema`.
--
-- The views notification_uncommon and notification_gone are procedures: a row that is inserted into one calls it, by its INSTEAD OF trigger, with a
-- seq; what they select is never read.

CREATE TABLE notification_changes (
  n INTEGER PRIMARY KEY,
  audience TEXT NOT NULL
, at INTEGER);

CREATE TABLE notification_deliveries (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  audience TEXT NOT NULL,
  notification INTEGER NOT NULL,
  published_at INTEGER NOT NULL,
  ended_at INTEGER
);

CREATE TABLE notification_memberships (
  user_id TEXT NOT NULL,
  audience TEXT NOT NULL,
  since INTEGER NOT NULL DEFAULT 0,
  start INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, audience)
) WITHOUT ROWID;

CREATE TABLE notification_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE notification_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL);

CREATE TABLE notification_receipts (
  user_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  read_at INTEGER,
  archived_at INTEGER,
  PRIMARY KEY (user_id, position)
) WITHOUT ROWID;

CREATE TABLE notification_recipients (
  notification INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (notification, user_id)
) WITHOUT ROWID;

CREATE TABLE notification_rejects (
  notification INTEGER PRIMARY KEY,
  reason TEXT NOT NULL
);

CREATE TABLE notification_replaced (
  seq INTEGER PRIMARY KEY,
  by_id TEXT
);

CREATE TABLE notification_routes (name TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID;

CREATE TABLE notification_schedule (
  notification INTEGER NOT NULL,
  action TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (notification, action)
) WITHOUT ROWID;

CREATE TABLE notification_topics (
  audience TEXT PRIMARY KEY,
  version INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE notification_touched (
  seq INTEGER PRIMARY KEY
);

CREATE TABLE notification_users (
  user_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0,
  watermark INTEGER NOT NULL DEFAULT 0,
  since INTEGER NOT NULL DEFAULT 0,
  start INTEGER NOT NULL DEFAULT 0,
  membership TEXT NOT NULL DEFAULT ''
, newest INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0, marks INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;

CREATE TABLE notification_watermarks (
  user_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (user_id, position)
) WITHOUT ROWID;

CREATE TABLE notifications (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
  audience TEXT,
  title TEXT,
  body TEXT,
  url TEXT,
  level TEXT DEFAULT 'info',
  category TEXT,
  data TEXT,
  sender TEXT,
  created_at INTEGER DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  publish_at INTEGER,
  expires_at INTEGER,
  recalled_at INTEGER,
  idempotency_key TEXT,
  content_hash TEXT,
  -- The first column that keeps it from being delivered, times aside; null where all is well.
  fault TEXT GENERATED ALWAYS AS (
    CASE
      WHEN typeof(id) <> 'text' OR length(id) NOT BETWEEN 1 AND 255 OR instr(id, char(0)) THEN 'id'
      WHEN typeof(audience) <> 'text' OR instr(audience, char(0)) THEN 'audience'
      WHEN NOT (
        (substr(audience, 1, 5) = 'user:' AND length(audience) BETWEEN 6 AND 260)
        OR audience IN ('everyone', 'users')
        OR (substr(audience, 1, 6) = 'topic:' AND length(audience) BETWEEN 7 AND 206
          AND NOT instr(audience, ' ') AND NOT instr(audience, char(9)) AND NOT instr(audience, char(10)) AND NOT instr(audience, char(13)))
      ) THEN 'audience'
      WHEN typeof(title) <> 'text' OR length(title) > 200 OR trim(title) = '' OR instr(title, char(0)) THEN 'title'
      WHEN body IS NOT NULL AND (typeof(body) <> 'text' OR length(body) > 5000 OR instr(body, char(0))) THEN 'body'
    END
  ) VIRTUAL
);

CREATE INDEX notification_deliveries_of ON notification_deliveries (notification, audience);

CREATE INDEX notification_inboxes ON notification_deliveries (audience, position, published_at, notification, ended_at) WHERE ended_at IS NULL;

CREATE INDEX notification_members ON notification_memberships (audience);

CREATE INDEX notification_receipts_archived ON notification_receipts (user_id, position) WHERE archived_at IS NOT NULL;

CREATE INDEX notification_receipts_of ON notification_receipts (position);

CREATE INDEX notification_receipts_unread ON notification_receipts (user_id, read_at, position) WHERE read_at IS NULL;

CREATE INDEX notification_schedule_due ON notification_schedule (at, action DESC);

CREATE INDEX notification_users_read ON notification_users (watermark, since) WHERE watermark > 0;

CREATE UNIQUE INDEX notification_keys ON notifications (coalesce(sender, ''), idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE VIEW notification_facts AS
SELECT *,
  CASE
    WHEN reason IS NOT NULL THEN 'refused'
    WHEN recalled_at IS NOT NULL THEN 'recalled'
    WHEN expires_at <= now THEN 'expired'
    WHEN publish_at > now THEN 'scheduled'
    ELSE 'live'
  END AS state
FROM (
  SELECT seq, id, audience, title, body, url, level, category, data, sender, created_at, publish_at, expires_at, recalled_at, now,
    CASE
      WHEN fault IS NOT NULL THEN fault
      WHEN EXISTS (SELECT 1 FROM notification_routes WHERE name = id) THEN 'id'
      WHEN publish_given IS NOT NULL AND (publish_at IS NULL OR abs(publish_at / 2) > 4320000000000000) THEN 'publish_at'
      WHEN expires_given IS NOT NULL AND (expires_at IS NULL OR abs(expires_at / 2) > 4320000000000000) THEN 'expires_at'
    END AS reason
  FROM (
    SELECT seq, id, audience, title, body, url, level, category, data, sender, created_at, fault,
      publish_at AS publish_given,
      expires_at AS expires_given,
      CASE typeof(publish_at)
        WHEN 'integer' THEN publish_at
        WHEN 'real' THEN CAST(publish_at AS INTEGER)
        WHEN 'text' THEN CAST(round((julianday(publish_at) - 2440587.5) * 86400000) AS INTEGER)
      END AS publish_at,
      CASE typeof(expires_at)
        WHEN 'integer' THEN expires_at
        WHEN 'real' THEN CAST(expires_at AS INTEGER)
        WHEN 'text' THEN CAST(round((julianday(expires_at) - 2440587.5) * 86400000) AS INTEGER)
      END AS expires_at,
      CASE typeof(recalled_at)
        WHEN 'text' THEN coalesce(CAST(round((julianday(recalled_at) - 2440587.5) * 86400000) AS INTEGER), 0)
        ELSE CAST(recalled_at AS INTEGER)
      END AS recalled_at,
      CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now
    FROM notifications
  )
);

CREATE VIEW notification_gone AS SELECT seq FROM notifications;

CREATE VIEW notification_uncommon AS SELECT seq FROM notifications;

CREATE TRIGGER notification_delivered_to_many AFTER INSERT ON notification_deliveries
WHEN NEW.ended_at IS NULL AND substr(NEW.audience, 1, 5) <> 'user:' BEGIN
  INSERT INTO notification_topics (audience, version) VALUES (NEW.audience, 1)
    ON CONFLICT (audience) DO UPDATE SET version = version + 1;
  INSERT INTO notification_changes (audience) VALUES (NEW.audience);
END;

CREATE TRIGGER notification_delivered_to_user AFTER INSERT ON notification_deliveries
WHEN NEW.ended_at IS NULL AND substr(NEW.audience, 1, 5) = 'user:' BEGIN
  INSERT INTO notification_users (user_id, version, unread, newest) VALUES (substr(NEW.audience, 6), 1, 1, NEW.position)
    ON CONFLICT (user_id) DO UPDATE SET version = version + 1, unread = unread + 1, newest = max(newest, excluded.newest);
  INSERT INTO notification_changes (audience) VALUES (NEW.audience);
END;

CREATE TRIGGER notification_delivery_changed_for_many AFTER UPDATE ON notification_deliveries
WHEN OLD.ended_at IS NULL AND substr(OLD.audience, 1, 5) <> 'user:' BEGIN
  UPDATE notification_topics SET version = version + 1 WHERE audience = OLD.audience;
  INSERT INTO notification_changes (audience) VALUES (OLD.audience);
END;

CREATE TRIGGER notification_delivery_changed_for_user AFTER UPDATE ON notification_deliveries
WHEN OLD.ended_at IS NULL AND substr(OLD.audience, 1, 5) = 'user:' BEGIN
  UPDATE notification_users SET version = version + 1, unread = unread - (NEW.ended_at IS NOT NULL AND coalesce(
      (SELECT read_at IS NULL AND archived_at IS NULL FROM notification_receipts r WHERE r.user_id = substr(OLD.audience, 6) AND r.position = OLD.position),
      OLD.position > watermark)),
    newest = CASE WHEN NEW.ended_at IS NULL OR newest <> OLD.position THEN newest ELSE coalesce(
      (SELECT max(position) FROM notification_deliveries WHERE audience = OLD.audience AND ended_at IS NULL), 0) END
    WHERE user_id = substr(OLD.audience, 6);
  INSERT INTO notification_changes (audience) VALUES (OLD.audience);
END;

CREATE TRIGGER notification_delivery_deleted BEFORE DELETE ON notification_deliveries WHEN OLD.ended_at IS NULL BEGIN
  UPDATE notification_deliveries SET ended_at = 0 WHERE position = OLD.position;
END;

CREATE TRIGGER notification_delivery_moved BEFORE UPDATE OF position, audience, published_at ON notification_deliveries
WHEN NEW.position IS NOT OLD.position OR NEW.audience IS NOT OLD.audience OR NEW.published_at IS NOT OLD.published_at BEGIN
  SELECT RAISE(ABORT, 'Deliveries are kept by triggers: write to notifications.');
END;

CREATE TRIGGER notification_delivery_reopened BEFORE UPDATE OF ended_at ON notification_deliveries
WHEN OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL BEGIN
  SELECT RAISE(ABORT, 'What has ended does not come back: it is delivered anew.');
END;

CREATE TRIGGER notification_gone_inserted INSTEAD OF INSERT ON notification_gone BEGIN
  DELETE FROM notification_schedule WHERE notification = NEW.seq;
  DELETE FROM notification_rejects WHERE notification = NEW.seq;
  UPDATE notification_deliveries SET ended_at = 0 WHERE notification = NEW.seq AND ended_at IS NULL;
  DELETE FROM notification_receipts WHERE position IN (SELECT position FROM notification_deliveries WHERE notification = NEW.seq);
  DELETE FROM notification_deliveries WHERE notification = NEW.seq;
  DELETE FROM notification_recipients WHERE notification = NEW.seq;
END;

CREATE TRIGGER notification_receipt_added AFTER INSERT ON notification_receipts
WHEN EXISTS (SELECT 1 FROM notification_deliveries WHERE position = NEW.position AND ended_at IS NULL) BEGIN
  INSERT INTO notification_users (user_id, version, marks) VALUES (NEW.user_id, 1, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = version + 1, marks = marks + 1,
      unread = unread + CASE WHEN (SELECT audience FROM notification_deliveries WHERE position = NEW.position) = 'user:' || NEW.user_id
        THEN (NEW.read_at IS NULL AND NEW.archived_at IS NULL) - (NEW.position > watermark) ELSE 0 END;
  INSERT INTO notification_changes (audience) VALUES ('user:' || NEW.user_id);
END;

CREATE TRIGGER notification_receipt_changed AFTER UPDATE OF read_at, archived_at ON notification_receipts
WHEN (NEW.read_at IS NOT OLD.read_at OR NEW.archived_at IS NOT OLD.archived_at)
  AND EXISTS (SELECT 1 FROM notification_deliveries WHERE position = NEW.position AND ended_at IS NULL) BEGIN
  UPDATE notification_users SET version = version + 1, marks = marks + 1,
      unread = unread + CASE WHEN (SELECT audience FROM notification_deliveries WHERE position = NEW.position) = 'user:' || NEW.user_id
        THEN (NEW.read_at IS NULL AND NEW.archived_at IS NULL) - (OLD.read_at IS NULL AND OLD.archived_at IS NULL) ELSE 0 END
    WHERE user_id = NEW.user_id;
  INSERT INTO notification_changes (audience) VALUES ('user:' || NEW.user_id);
END;

CREATE TRIGGER notification_receipt_moved BEFORE UPDATE OF user_id, position ON notification_receipts
WHEN NEW.user_id IS NOT OLD.user_id OR NEW.position IS NOT OLD.position BEGIN
  SELECT RAISE(ABORT, 'A receipt stays with its user and its delivery.');
END;

CREATE TRIGGER notification_receipt_removed AFTER DELETE ON notification_receipts
WHEN EXISTS (SELECT 1 FROM notification_deliveries WHERE position = OLD.position AND ended_at IS NULL) BEGIN
  UPDATE notification_users SET version = version + 1, marks = marks + 1, settled = min(settled, OLD.position - 1),
      unread = unread + CASE WHEN (SELECT audience FROM notification_deliveries WHERE position = OLD.position) = 'user:' || OLD.user_id
        THEN (OLD.position > watermark) - (OLD.read_at IS NULL AND OLD.archived_at IS NULL) ELSE 0 END
    WHERE user_id = OLD.user_id;
  INSERT INTO notification_changes (audience) VALUES ('user:' || OLD.user_id);
END;

CREATE TRIGGER notification_recipient_added AFTER INSERT ON notification_recipients
WHEN NOT EXISTS (SELECT 1 FROM notification_schedule WHERE notification = NEW.notification AND action = 'publish') BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT 'user:' || NEW.user_id, seq, now FROM notification_facts WHERE seq = NEW.notification AND state = 'live' AND audience = 'users'
      AND typeof(NEW.user_id) = 'text' AND length(NEW.user_id) BETWEEN 1 AND 255 AND NOT instr(NEW.user_id, char(0));
END;

CREATE TRIGGER notification_recipient_removed AFTER DELETE ON notification_recipients BEGIN
  UPDATE notification_deliveries SET ended_at = 0
    WHERE notification = OLD.notification AND audience = 'user:' || OLD.user_id AND ended_at IS NULL;
END;

CREATE TRIGGER notification_recipient_renamed BEFORE UPDATE ON notification_recipients BEGIN
  SELECT RAISE(ABORT, 'Recipients are added and deleted, never changed.');
END;

CREATE TRIGGER notification_rejected AFTER INSERT ON notification_rejects BEGIN
  INSERT INTO notification_changes (audience) VALUES ('');
END;

CREATE TRIGGER notification_uncommon_inserted INSTEAD OF INSERT ON notification_uncommon BEGIN
  -- Beyond 2^52 numbers are no longer exact everywhere, and the largest of all would leave none for those who come after.
  SELECT RAISE(ABORT, 'The seq of a notification is from 1 to 4503599627370496: leave it out, and it is chosen.')
    WHERE NEW.seq NOT BETWEEN 1 AND 4503599627370496;
  -- Of what was to be replaced, what is no longer there, or is there anew under the same number.
  INSERT INTO notification_gone (seq) SELECT seq FROM notification_replaced WHERE seq = NEW.seq OR seq NOT IN (SELECT seq FROM notifications);
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT audience, seq, now FROM notification_facts WHERE seq = NEW.seq AND state = 'live' AND audience <> 'users'
      AND NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = NEW.seq AND ended_at IS NULL);
  INSERT INTO notification_rejects (notification, reason)
    SELECT seq, reason FROM notification_facts WHERE seq = NEW.seq AND reason IS NOT NULL
    ON CONFLICT (notification) DO UPDATE SET reason = excluded.reason;
  INSERT INTO notification_schedule (notification, action, at)
    SELECT seq, 'publish', publish_at FROM notification_facts WHERE seq = NEW.seq AND state = 'scheduled'
    ON CONFLICT (notification, action) DO UPDATE SET at = excluded.at;
  INSERT INTO notification_schedule (notification, action, at)
    SELECT seq, 'expire', expires_at FROM notification_facts WHERE seq = NEW.seq AND state IN ('scheduled', 'live') AND expires_at IS NOT NULL
    ON CONFLICT (notification, action) DO UPDATE SET at = excluded.at;
END;

CREATE TRIGGER notification_user_moved AFTER UPDATE OF membership, since, start ON notification_users BEGIN
  UPDATE notification_users SET settled = 0, marks = marks + 1 WHERE user_id = NEW.user_id;
END;

CREATE TRIGGER notification_watermark_moved BEFORE UPDATE OF user_id, position ON notification_watermarks BEGIN
  SELECT RAISE(ABORT, 'A watermark stays where it was set.');
END;

CREATE TRIGGER notification_watermark_removed AFTER DELETE ON notification_watermarks
WHEN OLD.position = (SELECT watermark FROM notification_users WHERE user_id = OLD.user_id) BEGIN
  UPDATE notification_users SET version = version + 1, settled = 0,
    watermark = coalesce((SELECT max(position) FROM notification_watermarks WHERE user_id = OLD.user_id), 0)
    WHERE user_id = OLD.user_id;
  UPDATE notification_users SET unread = (
      SELECT count(*) FROM notification_deliveries d
      WHERE d.audience = 'user:' || OLD.user_id AND d.ended_at IS NULL AND coalesce(
        (SELECT r.read_at IS NULL AND r.archived_at IS NULL FROM notification_receipts r WHERE r.user_id = OLD.user_id AND r.position = d.position),
        d.position > watermark))
    WHERE user_id = OLD.user_id;
  INSERT INTO notification_changes (audience) VALUES ('user:' || OLD.user_id);
END;

CREATE TRIGGER notification_watermark_set AFTER INSERT ON notification_watermarks BEGIN
  INSERT INTO notification_users (user_id) VALUES (NEW.user_id) ON CONFLICT (user_id) DO NOTHING;
  UPDATE notification_receipts SET read_at = NEW.at WHERE user_id = NEW.user_id AND position IN (
    SELECT r.position FROM notification_receipts r INDEXED BY notification_receipts_unread
    WHERE r.user_id = NEW.user_id AND r.read_at IS NULL AND r.position <= NEW.position);
  UPDATE notification_users SET version = version + 1, watermark = NEW.position, unread = CASE WHEN newest <= NEW.position THEN 0 ELSE (
      SELECT count(*) FROM notification_deliveries d
      WHERE d.audience = 'user:' || NEW.user_id AND d.ended_at IS NULL AND d.position > NEW.position AND NOT EXISTS (
        SELECT 1 FROM notification_receipts r
        WHERE r.user_id = NEW.user_id AND r.position = d.position AND (r.read_at IS NOT NULL OR r.archived_at IS NOT NULL))) END
    WHERE user_id = NEW.user_id AND watermark < NEW.position;
  INSERT INTO notification_changes (audience) VALUES ('user:' || NEW.user_id);
END;

CREATE TRIGGER notification_deleted AFTER DELETE ON notifications BEGIN
  DELETE FROM notification_touched WHERE seq <> OLD.seq AND NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = OLD.seq);
  INSERT INTO notification_touched (seq) SELECT OLD.seq WHERE NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = OLD.seq)
    ON CONFLICT (seq) DO NOTHING;
  INSERT INTO notification_gone (seq) VALUES (OLD.seq);
END;

CREATE TRIGGER notification_inserted AFTER INSERT ON notifications
WHEN NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT EXISTS (SELECT 1 FROM notification_touched WHERE seq = NEW.seq)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id)) BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    VALUES (NEW.audience, NEW.seq, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER));
END;

CREATE TRIGGER notification_inserted_uncommonly AFTER INSERT ON notifications
WHEN NOT (NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT EXISTS (SELECT 1 FROM notification_touched WHERE seq = NEW.seq)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id))) BEGIN
  INSERT INTO notification_uncommon (seq) VALUES (NEW.seq);
END;

CREATE TRIGGER notification_overwriting BEFORE UPDATE OF id, sender, idempotency_key ON notifications
WHEN EXISTS (SELECT 1 FROM notifications WHERE id = NEW.id AND seq <> OLD.seq)
  OR (NEW.idempotency_key IS NOT NULL AND EXISTS (
    SELECT 1 FROM notifications WHERE coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key AND seq <> OLD.seq))
BEGIN
  SELECT RAISE(ABORT, 'Another notification has this id or this idempotency key.');
END;

CREATE TRIGGER notification_renumbered BEFORE UPDATE OF seq ON notifications WHEN NEW.seq IS NOT OLD.seq BEGIN
  SELECT RAISE(ABORT, 'The seq of a notification never changes.');
END;

CREATE TRIGGER notification_replacing BEFORE INSERT ON notifications
WHEN EXISTS (SELECT 1 FROM notifications WHERE id = NEW.id) OR (NEW.seq > 0 AND EXISTS (SELECT 1 FROM notifications WHERE seq = NEW.seq))
  OR (NEW.idempotency_key IS NOT NULL AND EXISTS (
    SELECT 1 FROM notifications WHERE coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key))
BEGIN
  DELETE FROM notification_replaced;
  INSERT INTO notification_replaced (seq, by_id) SELECT seq, NEW.id FROM notifications WHERE id = NEW.id OR seq = NEW.seq
    OR (NEW.idempotency_key IS NOT NULL AND coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key);
END;

CREATE TRIGGER notification_updated AFTER UPDATE ON notifications
WHEN NEW.id IS NOT OLD.id OR NEW.audience IS NOT OLD.audience OR NEW.title IS NOT OLD.title OR NEW.body IS NOT OLD.body
  OR NEW.url IS NOT OLD.url OR NEW.level IS NOT OLD.level OR NEW.category IS NOT OLD.category OR NEW.data IS NOT OLD.data
  OR NEW.publish_at IS NOT OLD.publish_at OR NEW.expires_at IS NOT OLD.expires_at OR NEW.recalled_at IS NOT OLD.recalled_at
BEGIN
  DELETE FROM notification_touched WHERE seq <> NEW.seq AND NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = NEW.seq);
  INSERT INTO notification_touched (seq) SELECT NEW.seq WHERE NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = NEW.seq)
    ON CONFLICT (seq) DO NOTHING;
  DELETE FROM notification_schedule WHERE notification = NEW.seq;
  DELETE FROM notification_rejects WHERE notification = NEW.seq;
  INSERT INTO notification_rejects (notification, reason)
    SELECT seq, reason FROM notification_facts WHERE seq = NEW.seq AND reason IS NOT NULL;
  INSERT INTO notification_schedule (notification, action, at)
    SELECT seq, 'publish', publish_at FROM notification_facts WHERE seq = NEW.seq AND state = 'scheduled';
  INSERT INTO notification_schedule (notification, action, at)
    SELECT seq, 'expire', expires_at FROM notification_facts WHERE seq = NEW.seq AND state IN ('scheduled', 'live') AND expires_at IS NOT NULL;
  UPDATE notification_deliveries SET ended_at = (SELECT now FROM notification_facts WHERE seq = NEW.seq)
    WHERE notification = NEW.seq AND ended_at IS NULL AND NOT (
      (SELECT state FROM notification_facts WHERE seq = NEW.seq) = 'live'
      AND (audience = NEW.audience OR (NEW.audience = 'users' AND EXISTS (
        SELECT 1 FROM notification_recipients r WHERE r.notification = NEW.seq AND r.user_id = substr(notification_deliveries.audience, 6)))));
  -- Says to those who still have it that it reads differently now.
  UPDATE notification_deliveries SET notification = NEW.seq WHERE notification = NEW.seq AND ended_at IS NULL;
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT audience, seq, now FROM notification_facts WHERE seq = NEW.seq AND state = 'live' AND audience <> 'users'
      AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.notification = NEW.seq AND d.ended_at IS NULL);
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT 'user:' || r.user_id, f.seq, f.now FROM notification_facts f JOIN notification_recipients r ON r.notification = f.seq
      WHERE f.seq = NEW.seq AND f.state = 'live' AND f.audience = 'users'
      AND typeof(r.user_id) = 'text' AND length(r.user_id) BETWEEN 1 AND 255 AND NOT instr(r.user_id, char(0))
      AND NOT EXISTS (SELECT 1 FROM notification_deliveries d INDEXED BY notification_deliveries_of
        WHERE d.notification = f.seq AND d.audience = 'user:' || r.user_id AND d.ended_at IS NULL);
END;
