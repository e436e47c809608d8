// Every page, as people see it: on a phone and on a desk, in the light and in the dark, and papers as they print. Each is
// held against axe-core and must not scroll sideways; then the keyboard alone, and a browser without JavaScript.
// Pictures of all lie in target/browser/look. STYLE=FILE tries another stylesheet without a build; ONLY=NAME one page.
import assert from "node:assert/strict";
import axe from "axe-core";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Album, Person, launch } from "./people.mjs";
import { speaking } from "./texts.mjs";
import { World } from "./world.mjs";

const t = speaking("vi");
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const TALLEST = 3200; // of a picture; the page itself is judged whole

const everything = ["reporter", "officer", "approver", "senior", "coordinator", "auditor", "operator"];
const accounts = [
  { name: "nguyen.thi.phuong.thao", unit: "moit.e-commerce", roles: everything, officer: "o-0017" },
  { name: "tin.bao", unit: "moit.domestic-market", roles: ["reporter"] },
];
const LONG = `${"mot-ten-mien-rat-dai-".repeat(2)}khuyen-mai.${"cua-hang-chinh-hang-".repeat(2)}viet-nam.${"tai-khoan-".repeat(5)}moi.example`;
const GROUNDS = ["--category", "counterfeit", "--head", "counterfeit", "--goods", "cosmetics", "--method", "fake_brand_site",
  "--not-after", "+180d", "--basis-authority", "moit.e-commerce", "--basis-number", "12/QĐ-TMĐT", "--reasons",
  "Bán mỹ phẩm giả mạo nhãn hiệu đã được bảo hộ; hàng không rõ nguồn gốc, không hóa đơn."];

class Look {
  constructor(browser) {
    this.browser = browser;
    this.album = new Album(join(process.env.ARTEFACTS ?? "target/browser", "look"));
    this.wrong = [];
    this.seen = 0;
  }

  async begin() {
    this.world = await World.begin(accounts);
    await this.world.follow();
    this.staff = await this.person("nguyen.thi.phuong.thao");
    this.reporter = await this.person("tin.bao");
    this.public = await this.person("public");
  }

  async person(name) {
    const person = await Person.at(this.browser, this.world, t, "vi", name);
    await person.context.addInitScript({ content: `${axe.source};${TABBING}` });
    if (process.env.STYLE) {
      const body = readFileSync(process.env.STYLE, "utf8");
      await person.context.route(/style[^/]*\.css/, (route) => route.fulfill({ body, contentType: "text/css" }));
    }
    return person;
  }

  // A page by path, or by what is done to come there: judged in every size and light.
  async at(name, who, way) {
    try {
      if (typeof way === "string") await who.open(way);
      else await way(who);
      if (process.env.ONLY && !name.includes(process.env.ONLY)) return;
      for (const [size, viewport] of Object.entries(SIZES)) {
        await who.page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"]) {
          await who.page.emulateMedia({ colorScheme, media: "screen" });
          await this.judge(`${name}-${size}-${colorScheme}`, who.page, size);
        }
      }
      await who.page.emulateMedia({ colorScheme: "light" });
      this.seen += 1;
    } catch (error) {
      this.wrong.push(`${name}: ${error.message}\n    picture ${await this.album.take(who.page, `FAILED-${name}`)}`);
    }
  }

  async judge(name, page, size) {
    const tall = await page.evaluate(() => document.documentElement.scrollHeight);
    const { width } = page.viewportSize();
    await this.album.take(page, name, { clip: { x: 0, y: 0, width, height: Math.min(tall, TALLEST) } });
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    if (wide > room) this.wrong.push(`${name}: scrolls sideways, ${wide} px in ${room}`);
    // Within the page the phone scrolls nothing sideways either: there tables are cards.
    const inner = await page.locator(".scroll").evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).length);
    if (size === "phone" && inner > 0) this.wrong.push(`${name}: ${inner} tables scroll sideways`);
    const rules = { type: "tag", values: RULES };
    const found = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly, resultTypes: ["violations"] }), rules);
    for (const one of found.violations) {
      const where = one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ");
      this.wrong.push(`${name}: ${one.id} (${one.impact}): ${one.help}: ${where}`);
    }
  }

  // A paper as it is printed.
  async prints(name, who) {
    await who.page.setViewportSize({ width: 794, height: 1123 });
    await who.page.emulateMedia({ media: "print", colorScheme: "light" });
    await this.album.take(who.page, `${name}-print`);
    for (const gone of ["nav.main", ".tools", "button"]) {
      assert.equal(await who.page.locator(gone).filter({ visible: true }).count(), 0, `${name}: ${gone} is printed`);
    }
    await who.page.emulateMedia({ media: "screen" });
  }

  async empty() {
    for (const [name, path] of [["home-empty", "/"], ["decisions-empty", "/decisions"], ["statistics-empty", "/statistics"],
      ["lookup-blank", "/lookup"], ["sign-in", "/desk/sign-in"]]) await this.at(name, this.public, path);
    await this.at("enrol", this.staff, (who) => who.enrol());
    await this.staff.press("desk.enrol.button");
    await this.staff.reaches("desk.sign_in.title");
    await this.at("sign-in-wrong", this.public, async (who) => {
      await who.open("/desk/sign-in");
      await who.fill("desk.sign_in.name", "ai.do");
      await who.fill("desk.sign_in.password", "một mật khẩu khác");
      await who.fill("desk.sign_in.code", "000000");
      await who.press("desk.sign_in.button");
      await who.says("desk.sign_in.wrong");
    });
    await this.at("link-spent", this.public, new URL(this.world.links[this.staff.name].link, this.world.url).pathname);
    await this.staff.signIn();
    await this.staff.press("desk.sign_in.button");
    await this.at("desk-empty", this.staff, "/desk");
    await this.at("cases-empty", this.staff, "/desk/cases");
    await this.at("account-without-passkey", this.staff, "/desk/account");
    await this.at("passkey", this.staff, async (who) => {
      await who.plugIn();
      this.document = await who.makePasskey();
    });
    this.world.trust([this.document]);
  }

  // Decisions, a stay, cases: what a register has after a while.
  async fill() {
    const file = join(this.world.folder, "list.txt");
    writeFileSync(file, `${Array.from({ length: 900 }, (_, n) => `gia-re-${n}.example`).join("\n")}\n${LONG}\n203.0.113.9\n`);
    this.decision = this.decides("propose", "--file", file, ...GROUNDS);
    const why = ["--basis-authority", "moit.e-commerce", "--basis-number", "13/QĐ-TMĐT", "--reasons", "Nhầm lẫn."];
    this.decides("revoke", "gia-re-7.example", ...why);
    this.stay = this.world.run("stay", "gia-re-8.example", "--until", "+48h", ...why, ...this.world.officer("o-0017")).id;
    writeFileSync(file, Array.from({ length: 4000 }, (_, n) => `hang-nhai-${n}.example`).join("\n"));
    this.large = this.proposes("propose", "--file", file, ...GROUNDS).id;
  }

  proposes(...words) {
    return this.world.run(...words, ...this.world.officer("o-0017"));
  }

  decides(...words) {
    const { id, body_sha256 } = this.proposes(...words);
    this.world.run("approve", id, "--yes", "--expect", body_sha256, ...this.world.officer("o-0042"));
    return id;
  }

  async publicPages() {
    const listed = "gia-re-1.example";
    for (const [name, path] of [["home", "/"], ["lookup-listed", `/lookup?q=${listed}`], ["lookup-stayed", "/lookup?q=gia-re-8.example"],
      ["lookup-free", "/lookup?q=shop.example.vn"], ["lookup-long", `/lookup?q=${LONG}`], ["lookup-unclear", "/lookup?q=https://shop.vn/a/b"],
      ["decisions", "/decisions"], ["decisions-none", "/decisions?category=smuggled"], ["decision", `/decisions/${this.decision}`],
      ["decision-stay", `/decisions/${this.stay}`], ["statistics", "/statistics"], ["verify", "/verify"], ["notice", "/notice"],
      ["missing", "/khong-co-trang-nay"], ["appeals", "/appeals"]]) await this.at(name, this.public, path);
    await this.at("appeal-wrong", this.public, async (who) => {
      await who.open(`/appeals/new?subject=${listed}`);
      await who.press("appeal.send");
      await who.says("form.wrong");
    });
    await this.at("appeal-taken", this.public, async (who) => {
      await who.open(`/appeals/new?decision=${this.decision}&subject=${listed}`);
      await who.fill("appeal.text", "Chúng tôi có giấy phép và hợp đồng ủy quyền của nhãn hàng.");
      await who.fill("appeal.name", "Công ty TNHH Thương mại và Dịch vụ Một Thành Viên Giá Rẻ");
      await who.press("appeal.send");
      await who.says("taken.once");
      this.receipt = await who.page.locator("#receipt").innerText();
      this.secret = await who.page.locator("#secret").innerText();
    });
    await this.prints("appeal-taken", this.public);
    await this.at("appeal-followed", this.public, async (who) => {
      await who.open(`/appeals/${this.receipt}`);
      await who.fill("taken.secret", this.secret);
      await who.press("follow.show");
      await who.says("follow.states");
    });
    await this.at("tip", this.public, "/tips/new");
    await this.at("tip-wrong", this.public, async (who) => {
      await who.open("/tips/new");
      await who.press("form.send");
      await who.says("form.wrong");
    });
  }

  async deskPages() {
    const { staff } = this;
    for (const [name, path] of [["desk", "/desk"], ["paper-new", "/desk/papers/new"], ["act-stay", "/desk/act/stay"],
      ["act-revoke", "/desk/act/revoke"], ["act-amend", `/desk/act/amend?decision=${this.decision}`], ["proposal-large", `/desk/proposals/${this.large}`],
      ["proposal-committed", `/desk/proposals/${this.decision}`], ["desk-decision", `/desk/decisions/${this.decision}`], ["cases", "/desk/cases"],
      ["case", `/desk/cases/${this.receipt}`], ["case-new", "/desk/cases/new"], ["acted", "/desk/subscribers"],
      ["search", "/desk/search"], ["search-found", `/desk/search?q=${LONG}`], ["search-unclear", "/desk/search?q=https://shop.vn/a"],
      ["account", "/desk/account"], ["confirm", "/desk/confirm"], ["accounts", "/desk/accounts"], ["journal", "/desk/journal"],
      ["desk-missing", "/desk/proposals/2020-000001"], ["letter", "/desk/subscribers/isp-mot/letter"]]) await this.at(name, staff, path);
    await this.prints("letter", staff);
    await this.at("paper-wrong", staff, async (who) => {
      await who.open("/desk/papers/new");
      await who.page.locator("form[enctype]").evaluate((form) => { form.noValidate = true; });
      await who.press("desk.paper.check");
      await who.says("form.wrong");
    });
    await this.at("verdict", staff, (who) => this.pastes(who, `facebook.com\nhttps://shop.vn/a\n${LONG}\nmoi-1.example\nmoi-1.example\nhttps://shopee.vn/shop/123456\n203.0.113.77\nvietcombank-khuyen-mai.example`));
    await this.at("verdict-refused", staff, (who) => this.pastes(who, "facebook.com\nhttps://shop.vn/a"));
    await this.at("broken", staff, async (who) => {
      await who.open("/desk/act/stay?of=shop.example.vn");
      await who.fill("desk.form.number", "13/QĐ-TMĐT");
      await who.page.locator("#reasons").fill("Nhầm lẫn.");
      await who.press("desk.act.next");
      await who.reaches("desk.broken.title");
    });
    await this.at("act-verdict", staff, async (who) => {
      await who.open(`/desk/act/revoke?of=${this.decision}`);
      await who.fill("desk.form.number", "14/QĐ-TMĐT");
      await who.page.locator("#reasons").fill("Nhầm lẫn.");
      await who.press("desk.act.next");
      await who.reaches("desk.verdict.title");
    });
    await this.at("desk-drafts", staff, "/desk");
    await this.at("case-entered", staff, async (who) => {
      await who.open("/desk/cases/new");
      await who.fill("desk_case.text", "Người dân gọi báo: cửa hàng bán hàng giả, không giao hàng.");
      await who.fill("tip.name", "Nguyễn Văn A");
      await who.press("form.send");
      await who.says("desk_case.tell");
    });
    await this.at("forbidden", this.reporter, async (who) => {
      await who.enrol();
      await who.press("desk.enrol.button");
      await who.reaches("desk.sign_in.title");
      await who.signIn();
      await who.press("desk.sign_in.button");
      await who.reaches("desk.queue.title");
      await who.open("/desk/journal");
      await who.reaches("problem.forbidden.title");
    });
  }

  async pastes(who, list) {
    await who.open("/desk/papers/new");
    await who.fill("desk.paper.list", list);
    await who.page.locator("#category").selectOption("deceptive");
    await who.page.locator("#head").selectOption("trade_fraud");
    await who.page.locator("#authority").selectOption("moit.e-commerce");
    await who.fill("desk.form.number", "12/QĐ-TMĐT");
    await who.page.locator("#reasons").fill("Giả mạo sàn thương mại điện tử.");
    await who.press("desk.paper.check");
    await who.reaches("desk.verdict.title");
  }

  // Tab alone reaches all that can be used, in the order of the page, and the focus can be seen.
  async keyboard(name, who, path) {
    await who.page.setViewportSize(SIZES.desk);
    await who.open(path);
    const wanted = await who.page.evaluate(() => globalThis.tabbing.wanted());
    const reached = [];
    for (let n = 0; n < wanted.length + 20; n += 1) {
      await who.page.keyboard.press("Tab");
      const focus = await who.page.evaluate(() => globalThis.tabbing.focused());
      // A date has three stops of its own.
      if (focus && focus.what === reached.at(-1)?.what) continue;
      if (!focus || reached.some((one) => one.what === focus.what)) break;
      reached.push(focus);
    }
    assert.ok(reached[0]?.what.includes("#content"), `${name}: the first stop isn't the link to the content: ${reached[0]?.what}`);
    assert.deepEqual(reached.map((one) => one.what), wanted, `${name}: Tab doesn't reach everything in order`);
    for (const one of reached) assert.ok(one.outlined && one.inView, `${name}: the focus can't be seen on ${one.what}`);
    await who.page.keyboard.press("Escape");
    return reached.length;
  }

  // What can be done without JavaScript: look up, appeal, sign in, paste a list and read its verdict.
  async withoutScript() {
    const cookies = await this.staff.context.cookies();
    const plain = await this.browser.newContext({ baseURL: this.world.url, javaScriptEnabled: false, locale: "vi", viewport: SIZES.desk });
    await plain.addCookies(cookies);
    const who = Object.assign(new Person(), { world: this.world, t, name: "no script", page: await plain.newPage() });
    await who.open("/");
    await who.page.locator("#q").fill("gia-re-1.example");
    await who.page.keyboard.press("Enter");
    await who.says("lookup.listed");
    await who.follow("lookup.appeal");
    await who.fill("appeal.text", "Nhầm.");
    await who.fill("appeal.name", "A");
    await who.press("appeal.send");
    await who.says("taken.once");
    await this.pastes(who, "facebook.com\nkhong-script.example");
    // Texts within noscript aren't looked for by getByText.
    assert.equal(await who.page.locator("noscript p").filter({ visible: true }).innerText(), t("desk.sign.noscript"));
    await this.album.take(who.page, "verdict-without-script");
    await plain.close();
  }
}

// In every page: what Tab should stop at, one name a stop, and where it stands.
const TABBING = `globalThis.tabbing = {
  name: (e) => e.type === "radio" ? "radio " + e.name :
    [e.localName, e.getAttribute("href") ?? e.id, e.textContent.trim().slice(0, 30), [...document.querySelectorAll(e.localName)].indexOf(e)].join(" "),
  wanted() {
    const all = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
    const usable = [...all].filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0);
    return [...new Set(usable.map(this.name))];
  },
  focused() {
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    return { what: this.name(e), outlined, inView: box.bottom > 0 && box.top < innerHeight };
  },
};`;

async function run() {
  const began = performance.now();
  const browser = await launch();
  const look = new Look(browser);
  const minded = async (what, does) => {
    try {
      const more = await does();
      console.log(`  ok  ${what}${more ? `: ${more}` : ""}`);
    } catch (error) {
      look.wrong.push(`${what}: ${error.message}`);
    }
  };
  console.log("Every page, looked at:");
  try {
    await look.begin();
    await look.empty();
    await look.fill();
    await look.publicPages();
    await look.deskPages();
    console.log(`  ${look.seen} pages, each on a phone and a desk, light and dark`);
    if (!process.env.ONLY) {
      const keys = [["home", look.public, "/"], ["look-up", look.public, "/lookup?q=gia-re-1.example"], ["decisions", look.public, "/decisions"],
        ["appeal", look.public, "/appeals/new"], ["desk", look.staff, "/desk"], ["new proposal", look.staff, "/desk/papers/new"],
        ["proposal", look.staff, `/desk/proposals/${look.large}`], ["case", look.staff, `/desk/cases/${look.receipt}`]];
      for (const [name, who, path] of keys) await minded(`keyboard, ${name}`, async () => `${await look.keyboard(name, who, path)} stops`);
      await minded("without JavaScript: look-up, appeal, a pasted list", () => look.withoutScript());
    }
  } finally {
    await browser.close();
    await look.world?.end();
  }
  console.log(`  ${look.album.taken} pictures in ${look.album.folder}; ${((performance.now() - began) / 1000).toFixed(0)} s`);
  if (look.wrong.length > 0) throw new Error(`${look.wrong.length} findings:\n    ${[...new Set(look.wrong)].join("\n    ")}`);
}

try {
  await run();
} catch (error) {
  console.error(`  FAILED: ${stripVTControlCharacters(error.message)}`);
  process.exitCode = 1;
}
