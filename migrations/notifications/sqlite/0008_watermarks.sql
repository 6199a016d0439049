-- Of a user's watermarks the newest decides what is read; the others only say since when. So nothing is counted anew where one of those is forgotten.
DROP TRIGGER notification_watermark_removed;
CREATE TRIGGER notification_watermark_removed AFTER DELETE ON notification_watermarks
WHEN OLD.position = (SELECT watermark FROM notification_users WHERE user_id = OLD.user_id) BEGIN
  UPDATE notification_users SET version = version + 1,
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
