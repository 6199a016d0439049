-- A notification is opened below the base path, by its id. What stands there already, in whatever case it is written, and what browsers take for a
-- folder, can be no id: the link would lead elsewhere.
CREATE TABLE notification_routes (name TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID;
INSERT INTO notification_routes (name) VALUES ('unread'), ('stream'), ('socket'), ('preferences'), ('.'), ('..');

-- As before, but for that reason. Ids of our own are longer, and need not be looked for.
DROP VIEW notification_facts;
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

DROP TRIGGER notification_inserted;
DROP TRIGGER notification_inserted_uncommonly;

CREATE TRIGGER notification_inserted AFTER INSERT ON notifications
WHEN NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id)) BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    VALUES (NEW.audience, NEW.seq, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER));
END;

CREATE TRIGGER notification_inserted_uncommonly AFTER INSERT ON notifications
WHEN NOT (NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id))) BEGIN
  INSERT INTO notification_uncommon (seq) VALUES (NEW.seq);
END;

-- What was delivered under such an id leaves the inboxes, and is logged as refused.
INSERT INTO notification_rejects (notification, reason)
  SELECT seq, 'id' FROM notifications WHERE EXISTS (SELECT 1 FROM notification_routes WHERE name = id)
  ON CONFLICT (notification) DO UPDATE SET reason = excluded.reason;
DELETE FROM notification_schedule WHERE notification IN (SELECT notification FROM notification_rejects);
UPDATE notification_deliveries SET ended_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
  WHERE ended_at IS NULL AND notification IN (SELECT notification FROM notification_rejects);
