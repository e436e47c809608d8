#!/usr/bin/env python3
# Giữ trong SQLite bản sao danh sách của sàn bạn, mỗi danh sách một tệp. / Keeps your platform's list in SQLite, a file a list.
#   FEED_URL=https://… FEED_NAME=sellers/shopee.vn FEED_TOKEN=bf_… python3 sync.py list.sqlite [--once]
import base64, hashlib, json, os, random, sqlite3, sys, time, urllib.error, urllib.request

URL, FEED, TOKEN = (os.environ["FEED_" + name] for name in ("URL", "NAME", "TOKEN"))
KIND, PLATFORM = FEED.split("s/", 1)  # sellers/shopee.vn: seller, shopee.vn
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("CREATE TABLE IF NOT EXISTS cursor (feed TEXT PRIMARY KEY, serial INTEGER)")
db.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, subject TEXT, decision TEXT, not_after INTEGER)")

def ask(path):
    request = urllib.request.Request(URL + path, headers={"Authorization": "Bearer " + TOKEN})
    return json.load(urllib.request.urlopen(request, timeout=120))

def opened(origin, item):  # Nhật ký chỉ giữ mã băm: tính lại từ salt. / The log holds a hash: reckon it again from the salt.
    record = {"id": item["decision"], "origin": origin, "subject": item["subject"]}
    record = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    found = hashlib.sha256(b"blockfeed/commitment/v1\0" + base64.b64decode(item["salt"]) + record).hexdigest()
    named = item["commitment"] == found and item["key"] == f"{PLATFORM}/#{found} = {item['decision']}"
    if not named or not item["subject"].startswith(f"{KIND}:{PLATFORM}/"):
        raise ValueError("an opening doesn't hold: " + item["key"])
    return item["key"], item["subject"], item["decision"], item["not_after"]

def apply(origin, item):
    if item["op"] == "add":
        db.execute("REPLACE INTO entries VALUES (?, ?, ?, ?)", opened(origin, item))
    elif item["op"] == "remove":
        db.execute("DELETE FROM entries WHERE key = ?", [item["key"]])
    else:  # Quyết định đổi ngày hết hạn. / The decision has another end.
        db.execute("UPDATE entries SET not_after = ? WHERE decision = ?", [item["not_after"], item["decision"]])

def sync(wait):
    with db:  # Một giao dịch: tất cả hoặc không gì cả. / One transaction: all of it or nothing.
        since = db.execute("SELECT coalesce(max(serial), 0) FROM cursor WHERE feed = ?", [FEED]).fetchone()[0]
        path = f"/api/v1/changes?feed={FEED}&since={since}"
        page = first = ask(f"{path}&wait={wait}")
        if first["whole"]:  # Bỏ bản cũ, nhận lại toàn bộ. / Drop what is held, take the whole.
            db.execute("DELETE FROM entries")
        while True:
            if (page["feed"], page["serial"], page["whole"]) != (FEED, first["serial"], first["whole"]):
                raise ValueError("this page is of another state: begin again")
            for item in page["changes"]:
                apply(page["origin"], item)
            if "page" not in page:
                break
            page = ask(f"{path}&page={page['page']}")
        db.execute("REPLACE INTO cursor VALUES (?, ?)", [FEED, first["serial"]])

once, pause = "--once" in sys.argv, 1
while True:
    try:
        sync(0 if once else 60)
        pause = 1
    except Exception as error:  # Giữ bản tốt gần nhất, thử lại. / Keep the last good state, try again.
        print("sync:", repr(error), error.read().decode() if isinstance(error, urllib.error.HTTPError) else "", file=sys.stderr)
        if not once:
            time.sleep(random.uniform(pause / 2, pause))
        pause = min(2 * pause, 60)
    if once:
        sys.exit(pause > 1)
