#!/usr/bin/env python3
# Giữ trong SQLite bản sao danh sách của sàn bạn, mỗi danh sách một tệp. / Keeps your platform's list in SQLite, a file a list.
#   FEED_URL=https://… FEED_NAME=sellers/shopee.vn FEED_TOKEN=bf_… python3 sync.py list.sqlite [--once]
# Gặp lỗi thì dừng, tệp vẫn như cũ; systemd (Restart=always) chạy lại. / An error ends it and leaves the file as it was:
# let systemd (Restart=always, RestartSec=5) start it again.
import base64, hashlib, json, os, sqlite3, sys, urllib.request

URL, FEED, TOKEN = (os.environ["FEED_" + name] for name in ("URL", "NAME", "TOKEN"))
KIND, PLATFORM = FEED.split("s/", 1)  # sellers/shopee.vn: seller, shopee.vn
SQL = {"add": "REPLACE INTO entries VALUES (:key, :subject, :decision, :not_after)",
       "remove": "DELETE FROM entries WHERE key = :key",
       "change": "UPDATE entries SET not_after = :not_after WHERE decision = :decision"}  # đổi ngày hết hạn / another end
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("CREATE TABLE IF NOT EXISTS cursor (feed TEXT PRIMARY KEY, serial INTEGER)")
db.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, subject TEXT, decision TEXT, not_after INTEGER)")

def ask(path):
    request = urllib.request.Request(URL + path, headers={"Authorization": "Bearer " + TOKEN})
    return json.load(urllib.request.urlopen(request, timeout=120))

def check(origin, item):  # Nhật ký chỉ giữ mã băm: tính lại từ salt. / The log holds a hash: reckon it again from the salt.
    record = {"id": item["decision"], "origin": origin, "subject": item["subject"]}
    record = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    found = hashlib.sha256(b"blockfeed/commitment/v1\0" + base64.b64decode(item["salt"]) + record).hexdigest()
    named = item["commitment"] == found and item["key"] == f"{PLATFORM}/#{found} = {item['decision']}"
    if not named or not item["subject"].startswith(f"{KIND}:{PLATFORM}/"):
        sys.exit("sync: an opening doesn't hold: " + item["key"])

def sync(wait):
    with db:  # Một giao dịch: tất cả hoặc không gì cả. / One transaction: all of it or nothing.
        since = db.execute("SELECT coalesce(max(serial), 0) FROM cursor WHERE feed = ?", [FEED]).fetchone()[0]
        path = f"/api/v1/changes?feed={FEED}&since={since}"
        page = first = ask(f"{path}&wait={wait}")
        if first["whole"]:  # Bỏ bản cũ, nhận lại toàn bộ. / Drop what is held, take the whole.
            db.execute("DELETE FROM entries")
        while page:
            if (page["feed"], page["serial"], page["whole"]) != (FEED, first["serial"], first["whole"]):
                sys.exit("sync: this page is of another state")
            for item in page["changes"]:
                if item["op"] == "add":
                    check(page["origin"], item)
                db.execute(SQL[item["op"]], item)
            page = "page" in page and ask(f"{path}&page={page['page']}")
        db.execute("REPLACE INTO cursor VALUES (?, ?)", [FEED, first["serial"]])

sync(0)
while "--once" not in sys.argv:
    sync(60)
