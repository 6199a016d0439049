#!/bin/sh
# sh insert.sh app.db 7 'Backup done'
set -eu
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
sqlite3 -cmd '.timeout 5000' "$1" "INSERT INTO notifications (audience, title) VALUES ('user:' || $(quoted "$2"), $(quoted "$3"))"
