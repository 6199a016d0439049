-- Most notifications are for now, for good and for one audience, and cost what they need: SQLite reserves the registers of a trigger's whole body
-- before it looks whether the trigger applies, so what is seldom needed stands in bodies of its own, behind views that are written to when it is.

DROP TRIGGER notification_inserted;
DROP TRIGGER notification_replacing;
DROP TRIGGER notification_inserted_with_care;
DROP TRIGGER notification_planned;
DROP TRIGGER notification_was_replaced;
DROP TRIGGER notification_deleted;
DROP TABLE notification_replaced;

-- REPLACE deletes without firing a delete trigger. What is about to be replaced, and by which id: the last that was, which stays until the next is.
CREATE TABLE notification_replaced (
  seq INTEGER PRIMARY KEY,
  by_id TEXT
);

CREATE TRIGGER notification_replacing BEFORE INSERT ON notifications
WHEN EXISTS (SELECT 1 FROM notifications WHERE id = NEW.id) OR (NEW.seq > 0 AND EXISTS (SELECT 1 FROM notifications WHERE seq = NEW.seq))
  OR (NEW.idempotency_key IS NOT NULL AND EXISTS (
    SELECT 1 FROM notifications WHERE coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key))
BEGIN
  DELETE FROM notification_replaced;
  INSERT INTO notification_replaced (seq, by_id) SELECT seq, NEW.id FROM notifications WHERE id = NEW.id OR seq = NEW.seq
    OR (NEW.idempotency_key IS NOT NULL AND coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key);
END;

-- Exactly one of these two applies, whichever is asked first: neither changes what the other looks at.

CREATE TRIGGER notification_inserted AFTER INSERT ON notifications
WHEN NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id) BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    VALUES (NEW.audience, NEW.seq, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER));
END;

CREATE TRIGGER notification_inserted_uncommonly AFTER INSERT ON notifications
WHEN NOT (NEW.publish_at IS NULL AND NEW.expires_at IS NULL AND NEW.recalled_at IS NULL AND NEW.audience <> 'users' AND NEW.fault IS NULL
  AND NEW.seq BETWEEN 1 AND 4503599627370496 AND NOT EXISTS (SELECT 1 FROM notification_replaced WHERE by_id = NEW.id)) BEGIN
  INSERT INTO notification_uncommon (seq) VALUES (NEW.seq);
END;

CREATE VIEW notification_uncommon AS SELECT seq FROM notifications;

CREATE TRIGGER notification_uncommon_inserted INSTEAD OF INSERT ON notification_uncommon BEGIN
  -- Beyond 2^52 numbers are no longer exact everywhere, and the largest of all would leave none for those who come after.
  SELECT RAISE(ABORT, 'The seq of a notification is from 1 to 4503599627370496: leave it out, and it is chosen.')
    WHERE NEW.seq NOT BETWEEN 1 AND 4503599627370496;
  -- Of what was to be replaced, what is no longer there, or is there anew under the same number.
  INSERT INTO notification_gone (seq) SELECT seq FROM notification_replaced WHERE seq = NEW.seq OR seq NOT IN (SELECT seq FROM notifications);
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT audience, seq, now FROM notification_facts WHERE seq = NEW.seq AND state = 'live' AND audience <> 'users';
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

-- What belongs to a notification that is no longer there.

CREATE TRIGGER notification_deleted AFTER DELETE ON notifications BEGIN
  INSERT INTO notification_gone (seq) VALUES (OLD.seq);
END;

CREATE VIEW notification_gone AS SELECT seq FROM notifications;

CREATE TRIGGER notification_gone_inserted INSTEAD OF INSERT ON notification_gone BEGIN
  DELETE FROM notification_schedule WHERE notification = NEW.seq;
  DELETE FROM notification_rejects WHERE notification = NEW.seq;
  UPDATE notification_deliveries SET ended_at = 0 WHERE notification = NEW.seq AND ended_at IS NULL;
  DELETE FROM notification_receipts WHERE position IN (SELECT position FROM notification_deliveries WHERE notification = NEW.seq);
  DELETE FROM notification_deliveries WHERE notification = NEW.seq;
  DELETE FROM notification_recipients WHERE notification = NEW.seq;
END;

-- An update that replaces deletes without a word, and there is no telling afterwards what it was.
CREATE TRIGGER notification_overwriting BEFORE UPDATE OF id, sender, idempotency_key ON notifications
WHEN EXISTS (SELECT 1 FROM notifications WHERE id = NEW.id AND seq <> OLD.seq)
  OR (NEW.idempotency_key IS NOT NULL AND EXISTS (
    SELECT 1 FROM notifications WHERE coalesce(sender, '') = coalesce(NEW.sender, '') AND idempotency_key = NEW.idempotency_key AND seq <> OLD.seq))
BEGIN
  SELECT RAISE(ABORT, 'Another notification has this id or this idempotency key.');
END;
