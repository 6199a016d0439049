"""python3 insert.py app.db 7 'Backup done'"""
import sqlite3
import sys

file, user, title = sys.argv[1:]
with sqlite3.connect(file, timeout=5) as db:
    db.execute("INSERT INTO notifications (audience, title) VALUES ('user:' || ?, ?)", (user, title))
