#!/usr/bin/env python3
# Gỡ, khôi phục theo bản sao của sync.py rồi báo kết quả. / Acts on what sync.py (or sync.mjs) keeps, and says what was done.
#   FEED_URL=https://… FEED_NAME=sellers/shopee.vn FEED_TOKEN=bf_… python3 act.py list.sqlite
import json, os, sqlite3, sys, time, urllib.request

URL, FEED, TOKEN = (os.environ["FEED_" + name] for name in ("URL", "NAME", "TOKEN"))
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, subject TEXT, outcome TEXT, time INTEGER, told INTEGER)")

def remove(subject):  # Việc của sàn: applied, already_gone hoặc not_found; có thể gọi lại. / Yours to write; may be called again.
    print("remove", subject)
    return "applied"

def restore(subject):  # Không còn quyết định nào: mở lại ngay. / No decision holds it any more: open it again at once.
    print("restore", subject)

for key, subject in db.execute("SELECT key, subject FROM entries WHERE key NOT IN (SELECT key FROM done)").fetchall():
    with db:
        db.execute("INSERT INTO done VALUES (?, ?, ?, ?, 0)", [key, subject, remove(subject), int(time.time())])
for key, subject in db.execute("SELECT key, subject FROM done WHERE key NOT IN (SELECT key FROM entries)").fetchall():
    with db:
        if not db.execute("SELECT 1 FROM entries WHERE subject = ?", [subject]).fetchone():
            restore(subject)
        db.execute("DELETE FROM done WHERE key = ?", [key])

while rows := db.execute("SELECT key, outcome, time FROM done WHERE told = 0 LIMIT 10000").fetchall():
    said = [{"key": key, "outcome": outcome, "time": time} for key, outcome, time in rows]
    body = json.dumps({"feed": FEED, "acknowledgements": said}).encode()
    headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    answer = json.load(urllib.request.urlopen(urllib.request.Request(URL + "/api/v1/acknowledgements", body, headers), timeout=120))
    for refused in answer["refused"]:  # Vừa được gỡ khỏi danh sách: lần sau khôi phục. / It ended meanwhile: restored next time.
        print("refused", refused, file=sys.stderr)
    with db:
        db.executemany("UPDATE done SET told = 1 WHERE key = ?", [[key] for key, *_ in rows])
