-- Up to where an inbox is settled: whatever stands at or below it has a receipt of the user's, or stands at or below the watermark too. Who reads
-- one by one then costs no more than who marks all: nothing below is looked through again, but for the receipts that say unread.
ALTER TABLE notification_users ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;

-- Rises with each change of a receipt, and of what topics the user is in: while it stays, so does what was read of them. 0 where there never was a receipt.
ALTER TABLE notification_users ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;
UPDATE notification_users SET marks = 1 WHERE EXISTS (SELECT 1 FROM notification_receipts r WHERE r.user_id = notification_users.user_id);

DROP TRIGGER notification_receipt_added;
DROP TRIGGER notification_receipt_changed;
DROP TRIGGER notification_receipt_removed;

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

CREATE TRIGGER notification_receipt_removed AFTER DELETE ON notification_receipts
WHEN EXISTS (SELECT 1 FROM notification_deliveries WHERE position = OLD.position AND ended_at IS NULL) BEGIN
  UPDATE notification_users SET version = version + 1, marks = marks + 1, settled = min(settled, OLD.position - 1),
      unread = unread + CASE WHEN (SELECT audience FROM notification_deliveries WHERE position = OLD.position) = 'user:' || OLD.user_id
        THEN (OLD.position > watermark) - (OLD.read_at IS NULL AND OLD.archived_at IS NULL) ELSE 0 END
    WHERE user_id = OLD.user_id;
  INSERT INTO notification_changes (audience) VALUES ('user:' || OLD.user_id);
END;

-- Whoever comes into a topic may find older messages there, of which there are no receipts; and what was read of the others was read for other topics.
CREATE TRIGGER notification_user_moved AFTER UPDATE OF membership, since, start ON notification_users BEGIN
  UPDATE notification_users SET settled = 0, marks = marks + 1 WHERE user_id = NEW.user_id;
END;
