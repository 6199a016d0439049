-- When it was said whose connections are to end, in milliseconds since 1970: whoever comes later is not meant. Null of all other changes, and where a
-- process of an older version said it.
ALTER TABLE notification_changes ADD COLUMN at INTEGER;
