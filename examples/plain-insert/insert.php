<?php
// php insert.php app.db 7 'Backup done'
[, $file, $user, $title] = $argv;
$db = new PDO("sqlite:$file", options: [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 5]);
$db->prepare("INSERT INTO notifications (audience, title) VALUES ('user:' || ?, ?)")->execute([$user, $title]);
