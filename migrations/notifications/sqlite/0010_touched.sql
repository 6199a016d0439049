-- A trigger of the host's runs before ours, and may change or delete a row that is only being inserted, others, too, and name recipients. A change settles
-- all by itself, so what was changed or deleted before it had any delivery is noted: where it is inserted just then, it is looked at with care (0003), and
-- not delivered a second time.
CREATE TABLE notification_touched (
  seq INTEGER PRIMARY KEY
);

DROP TRIGGER notification_deleted;
CREATE TRIGGER notification_deleted AFTER DELETE ON notifications BEGIN
  DELETE FROM notification_touched WHERE seq <> OLD.seq AND NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = OLD.seq);
  INSERT INTO notification_touched (seq) SELECT OLD.seq WHERE NOT EXISTS (SELECT 1 FROM notification_deliveries WHERE notification = OLD.seq)
    ON CONFLICT (seq) DO NOTHING;
  INSERT INTO notification_gone (seq) VALUES (OLD.seq);
END;

-- And what somebody has already is looked for by the notification: without being told, SQLite looks for it in all of each inbox.
DROP TRIGGER notification_updated;
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

DROP TRIGGER notification_inserted;
CREATE TRIGGER notification_inserted AFTER INSERT ON notifications
WHEN NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT EXISTS (SELECT 1 FROM notification_touched WHERE seq = NEW.seq)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id)) BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    VALUES (NEW.audience, NEW.seq, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER));
END;

DROP TRIGGER notification_inserted_uncommonly;
CREATE TRIGGER notification_inserted_uncommonly AFTER INSERT ON notifications
WHEN NOT (NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)
  AND NOT EXISTS (SELECT 1 FROM notification_touched WHERE seq = NEW.seq)
  AND NOT (length(NEW.id) < 16 AND EXISTS (SELECT 1 FROM notification_routes WHERE name = NEW.id))) BEGIN
  INSERT INTO notification_uncommon (seq) VALUES (NEW.seq);
END;

DROP TRIGGER notification_uncommon_inserted;
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
