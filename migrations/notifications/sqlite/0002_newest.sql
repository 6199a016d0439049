-- The newest live delivery to each user alone is kept in the user's row, beside the count: a state is then read from one row, and 'mark all
-- as read' of everything need not look into the inbox.

ALTER TABLE notification_users ADD COLUMN newest INTEGER NOT NULL DEFAULT 0;

UPDATE notification_users SET newest = coalesce(
  (SELECT max(position) FROM notification_deliveries WHERE audience = 'user:' || notification_users.user_id AND ended_at IS NULL), 0);

DROP TRIGGER notification_delivered_to_user;
CREATE TRIGGER notification_delivered_to_user AFTER INSERT ON notification_deliveries
WHEN NEW.ended_at IS NULL AND substr(NEW.audience, 1, 5) = 'user:' BEGIN
  INSERT INTO notification_users (user_id, version, unread, newest) VALUES (substr(NEW.audience, 6), 1, 1, NEW.position)
    ON CONFLICT (user_id) DO UPDATE SET version = version + 1, unread = unread + 1, newest = max(newest, excluded.newest);
  INSERT INTO notification_changes (audience) VALUES (NEW.audience);
END;

DROP TRIGGER notification_delivery_changed_for_user;
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

DROP TRIGGER notification_watermark_set;
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
