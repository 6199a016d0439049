-- What others write by hand. An inbox is settled no further than to its watermark (0005), so where that sinks, it is looked through again.
DROP TRIGGER notification_watermark_removed;
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

-- Recipients that no user can be get nothing, also where what they were named for changes later.
DROP TRIGGER notification_updated;
CREATE TRIGGER notification_updated AFTER UPDATE ON notifications
WHEN NEW.id IS NOT OLD.id OR NEW.audience IS NOT OLD.audience OR NEW.title IS NOT OLD.title OR NEW.body IS NOT OLD.body
  OR NEW.url IS NOT OLD.url OR NEW.level IS NOT OLD.level OR NEW.category IS NOT OLD.category OR NEW.data IS NOT OLD.data
  OR NEW.publish_at IS NOT OLD.publish_at OR NEW.expires_at IS NOT OLD.expires_at OR NEW.recalled_at IS NOT OLD.recalled_at
BEGIN
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
      AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.notification = f.seq AND d.audience = 'user:' || r.user_id AND d.ended_at IS NULL);
END;
