-- What is due next is found without looking at all that is due at the same moment.
DROP INDEX notification_schedule_at;
CREATE INDEX notification_schedule_due ON notification_schedule (at, action DESC);

-- Whoever is named of one that is still to be published gets it then, with all the others, so there is nothing to look at for each of them.
DROP TRIGGER notification_recipient_added;
CREATE TRIGGER notification_recipient_added AFTER INSERT ON notification_recipients
WHEN NOT EXISTS (SELECT 1 FROM notification_schedule WHERE notification = NEW.notification AND action = 'publish') BEGIN
  INSERT INTO notification_deliveries (audience, notification, published_at)
    SELECT 'user:' || NEW.user_id, seq, now FROM notification_facts WHERE seq = NEW.notification AND state = 'live' AND audience = 'users'
      AND typeof(NEW.user_id) = 'text' AND length(NEW.user_id) BETWEEN 1 AND 255 AND NOT instr(NEW.user_id, char(0));
END;
