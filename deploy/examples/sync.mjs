#!/usr/bin/env node
// Giữ trong SQLite bản sao danh sách của sàn bạn, mỗi danh sách một tệp. / Keeps your platform's list in SQLite, a file a list.
//   Node 22.13+. FEED_URL=https://… FEED_NAME=sellers/shopee.vn FEED_TOKEN=bf_… node sync.mjs list.sqlite [--once]
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const { FEED_URL: URL, FEED_NAME: FEED, FEED_TOKEN: TOKEN } = process.env;
const [kind, platform] = FEED.split("s/"); // sellers/shopee.vn: seller, shopee.vn
const db = new DatabaseSync(process.argv[2], { timeout: 60_000 });
db.exec("CREATE TABLE IF NOT EXISTS cursor (feed TEXT PRIMARY KEY, serial INTEGER)");
db.exec("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, subject TEXT, decision TEXT, not_after INTEGER)");
const run = (sql, ...values) => db.prepare(sql).run(...values);

async function ask(path) {
  const headers = { authorization: "Bearer " + TOKEN };
  const answer = await fetch(URL + path, { headers, signal: AbortSignal.timeout(120_000) });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

function opened(origin, { key, subject, decision, salt, commitment, not_after }) {
  // Nhật ký chỉ giữ mã băm: tính lại từ salt. / The log holds a hash: reckon it again from the salt.
  const record = JSON.stringify({ id: decision, origin, subject });
  const hash = createHash("sha256").update("blockfeed/commitment/v1\0").update(salt, "base64");
  const found = hash.update(record).digest("hex");
  const named = commitment === found && key === `${platform}/#${found} = ${decision}`;
  if (!named || !subject.startsWith(`${kind}:${platform}/`)) throw new Error("an opening doesn't hold: " + key);
  return [key, subject, decision, not_after];
}

function apply(origin, item) {
  if (item.op === "add") run("REPLACE INTO entries VALUES (?, ?, ?, ?)", ...opened(origin, item));
  else if (item.op === "remove") run("DELETE FROM entries WHERE key = ?", item.key);
  else run("UPDATE entries SET not_after = ? WHERE decision = ?", item.not_after, item.decision); // Đổi ngày hết hạn. / Another end.
}

async function sync(wait) {
  const { since } = db.prepare("SELECT coalesce(max(serial), 0) AS since FROM cursor WHERE feed = ?").get(FEED);
  const path = `/api/v1/changes?feed=${FEED}&since=${since}`;
  const first = await ask(`${path}&wait=${wait}`);
  db.exec("BEGIN IMMEDIATE"); // Một giao dịch: tất cả hoặc không gì cả. / One transaction: all of it or nothing.
  if (first.whole) run("DELETE FROM entries"); // Bỏ bản cũ, nhận lại toàn bộ. / Drop what is held, take the whole.
  for (let page = first; page; page = page.page && (await ask(`${path}&page=${page.page}`))) {
    const same = page.feed === FEED && page.serial === first.serial && page.whole === first.whole;
    if (!same) throw new Error("this page is of another state: begin again");
    for (const item of page.changes) apply(page.origin, item);
  }
  run("REPLACE INTO cursor VALUES (?, ?)", FEED, first.serial);
  db.exec("COMMIT");
}

const once = process.argv.includes("--once");
for (let pause = 1; ; ) {
  try {
    await sync(once ? 0 : 60);
    pause = 1;
  } catch (error) {
    // Giữ bản tốt gần nhất, thử lại. / Keep the last good state, try again.
    if (db.isTransaction) db.exec("ROLLBACK");
    console.error("sync:", error.message, error.cause ?? "");
    if (!once) await new Promise((wake) => setTimeout(wake, (pause * (1 + Math.random()) * 1000) / 2));
    pause = Math.min(2 * pause, 60);
  }
  if (once) process.exit(pause > 1 ? 1 : 0);
}
