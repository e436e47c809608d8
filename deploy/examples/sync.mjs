#!/usr/bin/env node
// Giữ trong SQLite bản sao danh sách của sàn bạn, mỗi danh sách một tệp. / Keeps your platform's list in SQLite, a file a list.
//   Node 22.13+. FEED_URL=https://… FEED_NAME=sellers/shopee.vn FEED_TOKEN=bf_… node sync.mjs list.sqlite [--once]
// Gặp lỗi thì dừng, tệp vẫn như cũ; systemd (Restart=always) chạy lại. / An error ends it and leaves the file as it was:
// let systemd (Restart=always, RestartSec=5) start it again.
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const { FEED_URL: URL, FEED_NAME: FEED, FEED_TOKEN: TOKEN } = process.env;
const [kind, platform] = FEED.split("s/"); // sellers/shopee.vn: seller, shopee.vn
const db = new DatabaseSync(process.argv[2], { timeout: 60_000 });
const run = (sql, ...values) => db.prepare(sql).run(...values);
db.exec("CREATE TABLE IF NOT EXISTS cursor (feed TEXT PRIMARY KEY, serial INTEGER)");
db.exec("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, subject TEXT, decision TEXT, not_after INTEGER)");

async function ask(path) {
  const headers = { authorization: "Bearer " + TOKEN };
  const answer = await fetch(URL + path, { headers, signal: AbortSignal.timeout(120_000) });
  if (!answer.ok) throw new Error(`sync: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function apply(origin, { op, key, subject, decision, salt, commitment, not_after }) {
  if (op === "remove") return run("DELETE FROM entries WHERE key = ?", key);
  if (op === "change") return run("UPDATE entries SET not_after = ? WHERE decision = ?", not_after, decision); // đổi ngày hết hạn / another end
  // Nhật ký chỉ giữ mã băm: tính lại từ salt. / The log holds a hash: reckon it again from the salt.
  const hash = createHash("sha256").update("blockfeed/commitment/v1\0").update(salt, "base64");
  const found = hash.update(JSON.stringify({ id: decision, origin, subject })).digest("hex");
  const named = op === "add" && commitment === found && key === `${platform}/#${found} = ${decision}`;
  if (!named || !subject.startsWith(`${kind}:${platform}/`)) throw new Error("sync: an opening doesn't hold: " + key);
  run("REPLACE INTO entries VALUES (?, ?, ?, ?)", key, subject, decision, not_after);
}

async function sync(wait) {
  const { since } = db.prepare("SELECT coalesce(max(serial), 0) AS since FROM cursor WHERE feed = ?").get(FEED);
  const path = `/api/v1/changes?feed=${FEED}&since=${since}`;
  const first = await ask(`${path}&wait=${wait}`);
  db.exec("BEGIN IMMEDIATE"); // Một giao dịch: tất cả hoặc không gì cả. / One transaction: all of it or nothing.
  if (first.whole) run("DELETE FROM entries"); // Bỏ bản cũ, nhận lại toàn bộ. / Drop what is held, take the whole.
  for (let page = first; page; page = page.page && (await ask(`${path}&page=${page.page}`))) {
    const same = page.feed === FEED && page.serial === first.serial && page.whole === first.whole;
    if (!same) throw new Error("sync: this page is of another state");
    for (const item of page.changes) apply(page.origin, item);
  }
  run("REPLACE INTO cursor VALUES (?, ?)", FEED, first.serial);
  db.exec("COMMIT");
}

await sync(0);
while (!process.argv.includes("--once")) await sync(60);
